//! Reads files from drops and pickers, including those in dropped folders.

use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, Element, File, FileList};

use super::script::call;

/// What was dropped, pasted or picked at once.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// Name of the folder, if it is one.
    pub(super) folder: Option<String>,
    /// The files, with their paths including the folder.
    pub(super) files: Vec<(String, File)>,
    /// Data other than files, such as the address of a picture that was dragged from another page.
    pub(super) texts: Vec<String>,
}

impl Dropped {
    /// Reads files from a file picker; one for folders gives paths.
    pub(super) fn picked(files: Option<&FileList>) -> Self {
        let listed =
            files.into_iter().flat_map(|files| (0..files.length()).filter_map(|index| files.get(index)));
        let files: Vec<_> = listed.map(|file| (path_of(&file), file)).collect();
        let folder = files.first().and_then(|(path, _)| Some(path.split_once('/')?.0.to_owned()));
        Self { folder, files, texts: Vec::new() }
    }

    /// Reads files from a drop or the clipboard. Everything must be requested before the event is over; the
    /// content of folders is read later.
    pub(super) fn transferred(
        data: &DataTransfer,
    ) -> Result<impl Future<Output = Result<Self, JsValue>> + use<>, JsValue> {
        let plain = Self { texts: texts(data), ..Self::picked(data.files().as_ref()) };
        let items = Array::from(&Reflect::get(data, &"items".into())?);
        let mut folder = None;
        for item in items {
            let entry = call(&item, "webkitGetAsEntry", &Array::new()).unwrap_or_default();
            if !entry.is_falsy() && Reflect::get(&entry, &"isDirectory".into())?.is_truthy() {
                folder = Some(entry);
                break;
            }
        }
        Ok(async move {
            let Some(folder) = folder else { return Ok(plain) };
            let name = text(&folder, "name")?;
            Ok(Self { files: files_in(&folder, &name).await?, folder: Some(name), texts: Vec::new() })
        })
    }
}

/// Returns the address of the picture in HTML, the list of addresses, and the plain text, as far as present.
fn texts(data: &DataTransfer) -> Vec<String> {
    let text = |kind: &str| data.get_data(kind).ok().filter(|text| !text.is_empty());
    let picture = text("text/html").and_then(|html| picture_in(&html).ok()?);
    [picture, text("text/uri-list"), text("text/plain")].into_iter().flatten().collect()
}

/// Returns the address of the first picture in HTML, which is neither loaded nor run.
fn picture_in(html: &str) -> Result<Option<String>, JsValue> {
    let template = leptos::prelude::document().create_element("template")?;
    template.set_inner_html(html);
    let content = Reflect::get(&template, &"content".into())?;
    let picture = call(&content, "querySelector", &Array::of1(&"img[src]".into()))?;
    if picture.is_null() { Ok(None) } else { Ok(picture.unchecked_into::<Element>().get_attribute("src")) }
}

/// Returns the files of a folder and of the folders directly in it.
async fn files_in(folder: &JsValue, name: &str) -> Result<Vec<(String, File)>, JsValue> {
    let mut files = Vec::new();
    for entry in entries(folder).await? {
        let path = format!("{name}/{}", text(&entry, "name")?);
        if !is_folder(&entry)? {
            files.push((path, ask(&entry, "file").await?.dyn_into()?));
            continue;
        }
        for entry in entries(&entry).await? {
            if !is_folder(&entry)? {
                files.push((
                    format!("{path}/{}", text(&entry, "name")?),
                    ask(&entry, "file").await?.dyn_into()?,
                ));
            }
        }
    }
    Ok(files)
}

async fn entries(folder: &JsValue) -> Result<Vec<JsValue>, JsValue> {
    let reader = call(folder, "createReader", &Array::new())?;
    let mut entries = Vec::new();
    loop {
        // Browsers return a hundred at a time, and then none.
        let some = Array::from(&ask(&reader, "readEntries").await?);
        if some.length() == 0 {
            return Ok(entries);
        }
        entries.extend(some);
    }
}

/// Calls a method that answers through two callbacks.
async fn ask(object: &JsValue, method: &str) -> Result<JsValue, JsValue> {
    let answer = Promise::new(&mut |resolve, reject| {
        if let Err(error) = call(object, method, &Array::of2(&resolve, &reject)) {
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }
    });
    JsFuture::from(answer).await
}

fn is_folder(entry: &JsValue) -> Result<bool, JsValue> {
    Ok(Reflect::get(entry, &"isDirectory".into())?.is_truthy())
}

fn text(object: &JsValue, property: &str) -> Result<String, JsValue> {
    Ok(Reflect::get(object, &property.into())?.as_string().unwrap_or_default())
}

/// Returns the path in the picked folder, else the name.
fn path_of(file: &File) -> String {
    text(file, "webkitRelativePath").ok().filter(|path| !path.is_empty()).unwrap_or_else(|| file.name())
}
