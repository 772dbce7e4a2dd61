//! The ways to add a photo: drop, paste, pick, take one with the camera, or choose a sample. A model may be
//! dropped, too.

use std::time::Duration;

use leptos::ev;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, DataTransfer, HtmlInputElement};

use crate::web::app::App;
use crate::web::dom;
use crate::web::dropped::Dropped;
use crate::web::protocol::{FailureKind, Sentence};
use crate::web::script;

/// File names of the samples, and text keys of what they show.
const SAMPLES: [(&str, &str); 3] = [
    ("astronaut.jpg", "sample-astronaut"),
    ("photographer.jpg", "sample-photographer"),
    ("coffee.jpg", "sample-coffee"),
];

/// Types of files that are decoded here and thus offered by the picker in every browser.
const READ: &str = "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff,.jfif,.tif,.tiff";
/// A photo of one pixel, to test whether this browser can read its format.
const AVIF: &[u8] = include_bytes!("one_pixel.avif");

/// The file picker and the samples; dropping and pasting work anywhere on the page.
#[component]
pub(super) fn DropZone(app: App) -> impl IntoView {
    let dragging = RwSignal::new(false);
    listen(app, dragging);
    let has_photo =
        Memo::new(move |_| app.state.with(|state| state.photo.is_some() || state.coming.is_some()));
    let (input, camera) = (NodeRef::<Input>::new(), NodeRef::<Input>::new());
    let accept = RwSignal::new(READ.to_owned());
    spawn_local(async move {
        if dom::can_show(AVIF).await {
            accept.update(|accept| accept.push_str(",image/avif"));
        }
    });
    let picked = move |input: NodeRef<Input>| {
        if let Some(input) = input.get_untracked() {
            let dropped = Dropped::picked(input.files().as_ref());
            // In a task of its own, since reading many files from the picker already takes one.
            set_timeout(move || app.take(dropped), Duration::ZERO);
            // Allows the same file to be picked again.
            input.set_value("");
        }
    };
    view! {
        <div class="drop-zone" class:dragging=dragging class:compact=has_photo>
            <Show when=move || !has_photo.get()>
                <img class="example" src="samples/found.jpg" width="440" height="440" alt=app.says("example")/>
            </Show>
            <label class="pick">
                <input type="file" multiple accept=move || accept.get() data-testid="photo-input" node_ref=input on:change=move |_| picked(input)/>
                <span class="button">{move || app.text(if has_photo.get() { "choose-more-photos" } else { "choose-photos" })}</span>
                <span class="hint">{app.says("ways-in")}</span>
            </label>
            <label class="pick camera">
                <input type="file" accept="image/*" capture="environment" node_ref=camera on:change=move |_| picked(camera)/>
                <span class="button">{app.says("take-photo")}</span>
            </label>
            <div class="samples" role="group" aria-label=app.says("samples")>
                <span class="hint">{app.says("samples-hint")}</span>
                {SAMPLES.map(|(file, key)| view! {
                    <button class="sample" title=app.says(key) data-sample=file on:click=move |_| app.choose_sample(file)>
                        <img src=format!("samples/{file}") alt=app.says(key) width="64" height="64"/>
                    </button>
                }).into_iter().collect_view()}
            </div>
        </div>
    }
}

/// Listens for drops and pastes on the whole window.
fn listen(app: App, dragging: RwSignal<bool>) {
    let over = window_event_listener(ev::dragover, move |event| {
        event.prevent_default();
        dragging.set(true);
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        if event.related_target().is_none() {
            dragging.set(false);
        }
    });
    let drop = window_event_listener(ev::drop, move |event| {
        event.prevent_default();
        dragging.set(false);
        take(app, event.data_transfer());
    });
    let paste = window_event_listener(ev::paste, move |event| {
        // Text pasted into a text field belongs there.
        let field = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if field.is_some_and(|field| !["range", "file"].contains(&field.type_().as_str())) {
            return;
        }
        let event: &ClipboardEvent = event.unchecked_ref();
        take(app, event.clipboard_data());
    });
    on_cleanup(move || [over, leave, drop, paste].into_iter().for_each(WindowListenerHandle::remove));
}

fn take(app: App, data: Option<DataTransfer>) {
    let Some(data) = data else { return };
    let coming = Dropped::transferred(&data);
    spawn_local(async move {
        let dropped = match coming {
            Ok(coming) => coming.await,
            Err(error) => Err(error),
        };
        match dropped {
            Ok(dropped) => app.take(dropped),
            Err(error) => {
                let reason = script::words(&error);
                app.refuse(FailureKind::Photo, Sentence::DropFailed { reason });
            }
        }
    });
}
