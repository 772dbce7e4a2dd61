//! Controls for what to save, of which objects, and where it goes.

use leptos::html::Input;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::export::{AnnotationFormat, Frame, PictureFormat};
use crate::web::app::App;
use crate::web::dom;
use crate::web::export::{Behind, Export, Product};
use crate::web::handover;
use crate::web::state::{AppState, Event, Purpose};

/// The products, each of which has a text of this name.
const PRODUCTS: [&str; 13] = [
    "cut-out",
    "cut-outs",
    "background",
    "mask",
    "masks",
    "overlay",
    "coco",
    "coco-polygons",
    "yolo",
    "labelme",
    "cvat",
    "svg",
    "everything",
];

/// The choices in the menu.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    product: RwSignal<String>,
    /// One of `picked`, `all` and `photos`.
    which: RwSignal<String>,
    full: RwSignal<bool>,
    webp: RwSignal<bool>,
    behind: RwSignal<String>,
    colour: RwSignal<String>,
}

/// The `localStorage` key of the choices.
const REMEMBERED: &str = "mae-seg-save";

/// The choices that are restored at the next visit.
#[derive(Debug, Serialize, Deserialize)]
struct Choices {
    product: String,
    full: bool,
    webp: bool,
    behind: String,
    colour: String,
}

impl Choices {
    fn remembered() -> Self {
        let before = dom::remembered(REMEMBERED).and_then(|text| serde_json::from_str::<Self>(&text).ok());
        let is_known = |before: &Self| PRODUCTS.contains(&before.product.as_str());
        before.filter(is_known).unwrap_or_else(|| Self {
            product: "cut-out".into(),
            full: false,
            webp: false,
            behind: "blur".into(),
            colour: "#ffffff".into(),
        })
    }
}

impl Chosen {
    fn new() -> Self {
        let Choices { product, full, webp, behind, colour } = Choices::remembered();
        let chosen = Self {
            product: RwSignal::new(product),
            which: RwSignal::new("picked".into()),
            full: RwSignal::new(full),
            webp: RwSignal::new(webp),
            behind: RwSignal::new(behind),
            colour: RwSignal::new(colour),
        };
        Effect::new(move |_| {
            let choices = Choices {
                product: chosen.product.get(),
                full: chosen.full.get(),
                webp: chosen.webp.get(),
                behind: chosen.behind.get(),
                colour: chosen.colour.get(),
            };
            dom::remember(REMEMBERED, serde_json::to_string(&choices).ok().as_deref());
        });
        chosen
    }

    fn is_one_of(self, products: &'static [&str]) -> impl Fn() -> bool + Copy + Send + Sync + 'static {
        move || self.product.with(|product| products.contains(&product.as_str()))
    }

    fn product(self) -> Product {
        let frame = if self.full.get_untracked() { Frame::Full } else { Frame::Tight };
        match self.product.get_untracked().as_str() {
            "cut-outs" => Product::CutOuts(frame),
            "background" => Product::Background(match self.behind.get_untracked().as_str() {
                "colour" => Behind::Colour(rgb(&self.colour.get_untracked())),
                "photo" => Behind::Photo,
                _ => Behind::Blur,
            }),
            "mask" => Product::Mask,
            "masks" => Product::Masks,
            "overlay" => Product::Overlay,
            "coco" => Product::Annotations(AnnotationFormat::Coco),
            "coco-polygons" => Product::Annotations(AnnotationFormat::CocoPolygons),
            "yolo" => Product::Annotations(AnnotationFormat::Yolo),
            "labelme" => Product::Annotations(AnnotationFormat::LabelMe),
            "cvat" => Product::Annotations(AnnotationFormat::Cvat),
            "svg" => Product::Annotations(AnnotationFormat::Svg),
            "everything" => Product::Everything,
            _ => Product::CutOut(frame),
        }
    }
}

/// Parses the `#rrggbb` of a colour picker.
fn rgb(text: &str) -> [u8; 3] {
    let number = u32::from_str_radix(text.trim_start_matches('#'), 16).unwrap_or(0x00FF_FFFF);
    let [_, colour @ ..] = number.to_be_bytes();
    colour
}

/// Numbers of picked and shown objects, and of photos whose objects are known.
#[derive(Debug, Clone, Copy)]
struct Counts {
    picked: Memo<usize>,
    shown: Memo<usize>,
    done: Memo<usize>,
}

impl Counts {
    fn new(state: RwSignal<AppState>) -> Self {
        Self {
            picked: Memo::new(move |_| state.with(|state| state.picked_places().len())),
            shown: Memo::new(move |_| state.with(|state| state.shown_places().len())),
            done: Memo::new(move |_| state.with(AppState::known_count)),
        }
    }
}

/// The choices, and buttons to save, copy and share.
#[component]
pub(super) fn SaveMenu(app: App) -> impl IntoView {
    let (state, chosen, backdrop) = (app.state, Chosen::new(), NodeRef::<Input>::new());
    let counts = Counts::new(state);
    let Counts { picked, shown, done } = counts;
    let left_out = Memo::new(move |_| state.with(|state| state.left_out_count()));
    let nothing =
        Memo::new(move |_| (shown.get() == 0 && done.get() < 2) || state.with(|state| !state.can_ask()));
    let of_photos = Memo::new(move |_| chosen.which.get() == "photos" && done.get() > 1);
    let of_all =
        Memo::new(move |_| !of_photos.get() && (chosen.which.get() != "picked" || picked.get() == 0));
    let is_picture = chosen.is_one_of(&["cut-out", "background", "mask", "overlay"]);
    let takes = move |purpose| {
        move |_| {
            let places = state.with_untracked(|state| {
                if of_all.get_untracked() { state.shown_places() } else { state.picked_places() }
            });
            // Clipboards accept PNG only.
            let is_webp = chosen.webp.get_untracked() && purpose != Purpose::Copy;
            let format = if is_webp { PictureFormat::WebP } else { PictureFormat::Png };
            app.keep_backdrop(backdrop.get_untracked().and_then(|input| input.files()?.get(0)));
            let product = chosen.product();
            app.dispatch(match of_photos.get_untracked() {
                true => Event::CollectionWanted(product, format),
                false => Event::ExportWanted(Export { product, places, format }, purpose),
            });
        }
    };
    view! {
        <fieldset class="save" disabled=nothing>
            <legend>{app.says("save")}</legend>
            <select
                aria-label=app.says("save-what")
                data-testid="save-what"
                on:change=move |event| chosen.product.set(event_target_value(&event))
            >
                {PRODUCTS.map(|name| view! {
                    <option value=name prop:selected=move || chosen.product.with(|product| product == name)>
                        {move || app.text(&format!("save-{name}"))}
                    </option>
                }).into_iter().collect_view()}
            </select>
            <WhichChoices app chosen counts of_all of_photos/>
            <PictureChoices app chosen/>
            <BackgroundChoices app chosen backdrop/>
            <div class="downloads" role="group" aria-label=app.says("take-home")>
                <button data-testid="save" on:click=takes(Purpose::Save)>{app.says("save")}</button>
                <Show when=move || handover::can_copy() && is_picture() && !of_photos.get()>
                    <button data-testid="copy" on:click=takes(Purpose::Copy)>{app.says("copy")}</button>
                </Show>
                <Show when=move || handover::can_share() && !of_photos.get()>
                    <button data-testid="share" on:click=takes(Purpose::Share)>{app.says("share")}</button>
                </Show>
            </div>
            <Show when=move || { left_out.get() > 0 }>
                <p class="hint">{move || app.tells("left-out-objects", [("count", left_out.get().into())])}</p>
            </Show>
            <p class="hint" role="status" data-testid="taken">{move || app.sentences(&state.with(AppState::taking))}</p>
        </fieldset>
    }
}

/// The choice of objects: those picked, all of the photo, or those of all photos.
#[component]
fn WhichChoices(
    app: App,
    chosen: Chosen,
    counts: Counts,
    of_all: Memo<bool>,
    of_photos: Memo<bool>,
) -> impl IntoView {
    let Counts { picked, shown, done } = counts;
    view! {
        <select
            aria-label=app.says("save-which")
            data-testid="save-which"
            on:change=move |event| chosen.which.set(event_target_value(&event))
        >
            <option
                value="picked"
                disabled=move || picked.get() == 0
                prop:selected=move || !of_all.get() && !of_photos.get()
            >
                {move || app.tells("which-picked", [("count", picked.get().into())])}
            </option>
            <option value="all" prop:selected=of_all>{move || app.tells("which-all", [("count", shown.get().into())])}</option>
            <Show when=move || { done.get() > 1 }>
                <option value="photos" prop:selected=of_photos>{move || app.tells("which-photos", [("count", done.get().into())])}</option>
            </Show>
        </select>
    }
}

/// The choice of frame and file format, for pictures.
#[component]
fn PictureChoices(app: App, chosen: Chosen) -> impl IntoView {
    let has_frame = chosen.is_one_of(&["cut-out", "cut-outs"]);
    let has_format = chosen.is_one_of(&["cut-out", "cut-outs", "background", "overlay", "everything"]);
    view! {
        <Show when=has_frame>
            <select
                aria-label=app.says("frame")
                data-testid="save-frame"
                on:change=move |event| chosen.full.set(event_target_value(&event) == "full")
            >
                <option value="tight" prop:selected=move || !chosen.full.get()>{app.says("frame-tight")}</option>
                <option value="full" prop:selected=chosen.full>{app.says("frame-full")}</option>
            </select>
        </Show>
        <Show when=has_format>
            <select
                aria-label=app.says("file-format")
                data-testid="save-format"
                on:change=move |event| chosen.webp.set(event_target_value(&event) == "webp")
            >
                <option value="png" prop:selected=move || !chosen.webp.get()>{app.says("format-png")}</option>
                <option value="webp" prop:selected=chosen.webp>{app.says("format-webp")}</option>
            </select>
        </Show>
    }
}

/// The choice of what comes behind the objects.
#[component]
fn BackgroundChoices(app: App, chosen: Chosen, backdrop: NodeRef<Input>) -> impl IntoView {
    let is_behind = move |name: &'static str| move || chosen.behind.with(|behind| behind == name);
    let choices = [("blur", "behind-blur"), ("colour", "behind-colour"), ("photo", "behind-photo")];
    view! {
        <Show when=chosen.is_one_of(&["background"])>
            <select
                aria-label=app.says("background")
                data-testid="save-behind"
                on:change=move |event| chosen.behind.set(event_target_value(&event))
            >
                {choices.map(|(name, key)| view! {
                    <option value=name prop:selected=is_behind(name)>{app.says(key)}</option>
                }).into_iter().collect_view()}
            </select>
            <Show when=is_behind("colour")>
                <input
                    type="color"
                    aria-label=app.says("colour")
                    data-testid="save-colour"
                    prop:value=move || chosen.colour.get()
                    on:input=move |event| chosen.colour.set(event_target_value(&event))
                />
            </Show>
            <Show when=is_behind("photo")>
                <input type="file" accept="image/*" aria-label=app.says("backdrop") data-testid="save-backdrop" node_ref=backdrop/>
            </Show>
        </Show>
    }
}
