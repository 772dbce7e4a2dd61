//! Reads the bytes of a response through one buffer, since browsers are slow to release many.

use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::web::script::call;

const BUFFER_BYTES: u32 = 256 << 10;

/// The body of a response while it arrives.
#[derive(Debug)]
pub(super) struct Stream {
    reader: JsValue,
    /// The buffer that is lent to the browser for every read; without it, the browser allocates its own.
    buffer: Option<ArrayBuffer>,
}

impl Stream {
    /// Creates a stream; `None` for a response without a body.
    pub(super) fn of(response: &Response) -> Option<Self> {
        let body = response.body()?;
        let options = Object::new();
        let into_ours = Reflect::set(&options, &"mode".into(), &"byob".into())
            .and_then(|_| call(&body, "getReader", &Array::of1(&options)));
        Some(match into_ours {
            Ok(reader) => Self { reader, buffer: Some(ArrayBuffer::new(BUFFER_BYTES)) },
            Err(_) => Self { reader: body.get_reader().into(), buffer: None },
        })
    }

    /// Puts the next bytes into `chunk`; returns whether there were any.
    ///
    /// # Errors
    ///
    /// An error if the connection breaks.
    pub(super) async fn next(&mut self, chunk: &mut Vec<u8>) -> Result<bool, JsValue> {
        chunk.clear();
        let lent = self.buffer.take().map(|buffer| Uint8Array::new(&buffer));
        let is_lent = lent.is_some();
        let coming = call(&self.reader, "read", &lent.into_iter().collect())?;
        let come = JsFuture::from(coming.dyn_into::<js_sys::Promise>()?).await?;
        if Reflect::get(&come, &"done".into())?.is_truthy() {
            return Ok(false);
        }
        let bytes: Uint8Array = Reflect::get(&come, &"value".into())?.dyn_into()?;
        chunk.resize(bytes.length() as usize, 0);
        bytes.copy_to(chunk);
        self.buffer = is_lent.then(|| bytes.buffer());
        Ok(true)
    }
}
