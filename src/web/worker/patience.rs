//! Timers and time limits.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use js_sys::Promise;
use wasm_bindgen_futures::JsFuture;

/// Returns the time in milliseconds since the worker started; 0 without a clock.
pub(super) fn now_ms() -> f64 {
    super::scope().performance().map_or(0.0, |clock| clock.now())
}

/// Waits for a time.
pub(super) async fn sleep(milliseconds: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        // Without a timer, there is no wait.
        let _ = super::scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    let _ = JsFuture::from(promise).await;
}

/// Returns the result of a future, or `None` if it takes longer than the time limit.
pub(super) async fn within<T>(milliseconds: i32, coming: impl Future<Output = T>) -> Option<T> {
    let (mut coming, mut late) = (pin!(coming), pin!(sleep(milliseconds)));
    poll_fn(|context| match coming.as_mut().poll(context) {
        Poll::Ready(come) => Poll::Ready(Some(come)),
        Poll::Pending => late.as_mut().poll(context).map(|()| None),
    })
    .await
}
