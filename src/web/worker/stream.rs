//! The bytes of an answer, read through one buffer: browsers are slow to let go of many.

use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::web::dom::call;

const BUFFER_BYTES: u32 = 256 << 10;

/// The body of a response, while it comes.
#[derive(Debug)]
pub(super) struct Stream {
    reader: JsValue,
    /// Lent to the browser for every read; without one, it brings its own.
    buffer: Option<ArrayBuffer>,
}

impl Stream {
    /// `None` for a response without a body.
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

    /// Puts the next bytes into `chunk`; says whether there were any.
    ///
    /// # Errors
    ///
    /// When the line breaks.
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
