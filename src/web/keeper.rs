//! The browser's private file system of this page (OPFS), whose files are kept for the next visit.

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::window;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions,
    FileSystemWritableFileStream,
};

use super::script::call;

/// Name of the folder, and of the lock on it.
const FOLDER: &str = "mae-seg-photos";

/// A folder that belongs to this page alone.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    folder: FileSystemDirectoryHandle,
}

impl Keeper {
    /// Opens the folder. When the page is opened a second time, that one owns the folder, and `taken` is
    /// called here.
    ///
    /// # Errors
    ///
    /// An error if the browser gives the page no storage.
    pub(super) async fn open(taken: impl FnOnce() + 'static) -> Result<Self, JsValue> {
        let storage = Reflect::get(&window().navigator(), &"storage".into())?;
        let root = promised(&storage, "getDirectory", &Array::new()).await?;
        let create = Object::new();
        Reflect::set(&create, &"create".into(), &true.into())?;
        let folder = promised(&root, "getDirectoryHandle", &Array::of2(&FOLDER.into(), &create)).await?;
        hold(taken).await?;
        Ok(Self { folder: folder.unchecked_into() })
    }

    /// Returns a file, if it exists.
    pub(super) async fn get(&self, name: &str) -> Option<File> {
        let handle = JsFuture::from(self.folder.get_file_handle(name)).await.ok()?;
        let handle: FileSystemFileHandle = handle.unchecked_into();
        JsFuture::from(handle.get_file()).await.ok().map(JsCast::unchecked_into)
    }

    /// Writes a file; the previous one stays until the new one is complete.
    ///
    /// # Errors
    ///
    /// An error if the browser has no room.
    pub(super) async fn put(&self, name: &str, content: &Blob) -> Result<(), JsValue> {
        let create = FileSystemGetFileOptions::new();
        create.set_create(true);
        let handle = JsFuture::from(self.folder.get_file_handle_with_options(name, &create)).await?;
        let handle: FileSystemFileHandle = handle.unchecked_into();
        let stream = JsFuture::from(handle.create_writable()).await?;
        let stream: FileSystemWritableFileStream = stream.unchecked_into();
        JsFuture::from(stream.write_with_blob(content)?).await?;
        promised(&stream, "close", &Array::new()).await.map(drop)
    }

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// An error if it does not exist.
    pub(super) async fn remove(&self, name: &str) -> Result<(), JsValue> {
        JsFuture::from(self.folder.remove_entry(name)).await.map(drop)
    }
}

/// Takes the lock on the folder from whoever has it, and keeps it as long as the page is open.
async fn hold(taken: impl FnOnce() + 'static) -> Result<(), JsValue> {
    let locks = Reflect::get(&window().navigator(), &"locks".into())?;
    if locks.is_undefined() {
        return Ok(());
    }
    let options = Object::new();
    Reflect::set(&options, &"steal".into(), &true.into())?;
    let mut is_held = None;
    let held = Promise::new(&mut |resolve, _| is_held = Some(resolve));
    let is_held: Function = is_held.ok_or("the browser makes no promises")?;
    let keep = Closure::once_into_js(move || {
        let _ = is_held.call0(&JsValue::NULL);
        // Never resolves, so that the lock is kept until the page is closed.
        Promise::new(&mut |_, _| ())
    });
    let lost: Promise = call(&locks, "request", &Array::of3(&FOLDER.into(), &options, &keep))?.dyn_into()?;
    spawn_local(async move {
        if JsFuture::from(lost).await.is_err() {
            taken();
        }
    });
    JsFuture::from(held).await.map(drop)
}

/// Calls a method that returns a promise, and waits for it.
async fn promised(object: &JsValue, method: &str, arguments: &Array) -> Result<JsValue, JsValue> {
    let promise: Promise = call(object, method, arguments)?.dyn_into()?;
    JsFuture::from(promise).await
}
