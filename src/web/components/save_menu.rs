//! What to take home, of which objects, and where it goes.

use leptos::html::Input;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::export::{AnnotationFormat, Frame, PictureFormat};
use crate::text::counted;
use crate::web::app::App;
use crate::web::dom;
use crate::web::export::{Behind, Export, Product};
use crate::web::handover;
use crate::web::state::{AppState, Event, Purpose};

/// What can be chosen: a name for the page's own use, and what visitors read.
const PRODUCTS: [(&str, &str); 13] = [
    ("cut-out", "Cut-out"),
    ("cut-outs", "Cut-outs, one for each object"),
    ("background", "New background"),
    ("mask", "Mask, black and white"),
    ("masks", "Masks, one for each object, and object numbers"),
    ("overlay", "Photo with the masks drawn on it"),
    ("coco", "COCO JSON, run lengths"),
    ("coco-polygons", "COCO JSON, polygons"),
    ("yolo", "YOLO segmentation"),
    ("labelme", "LabelMe JSON"),
    ("cvat", "CVAT XML"),
    ("svg", "SVG"),
    ("everything", "Everything, as one zip"),
];

/// What was chosen in the menu.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    product: RwSignal<String>,
    /// `picked`, `all` or `photos`.
    which: RwSignal<String>,
    full: RwSignal<bool>,
    webp: RwSignal<bool>,
    behind: RwSignal<String>,
    colour: RwSignal<String>,
}

/// What the browser remembers the choices under.
const REMEMBERED: &str = "mae-seg-save";

/// The choices that are there again at the next visit.
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
        let is_known = |before: &Self| PRODUCTS.iter().any(|(name, _)| *name == before.product);
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

/// The colour that a colour picker's `#rrggbb` names.
fn rgb(text: &str) -> [u8; 3] {
    let number = u32::from_str_radix(text.trim_start_matches('#'), 16).unwrap_or(0x00FF_FFFF);
    let [_, colour @ ..] = number.to_be_bytes();
    colour
}

/// How many objects are picked and shown, and of how many photos the objects are known.
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

/// Choices, and buttons to save, copy and share.
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
            // Clipboards take PNG only.
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
            <legend>"Save"</legend>
            <select
                aria-label="What to save"
                data-testid="save-what"
                on:change=move |event| chosen.product.set(event_target_value(&event))
            >
                {PRODUCTS.map(|(name, title)| view! {
                    <option value=name prop:selected=move || chosen.product.with(|product| product == name)>{title}</option>
                }).into_iter().collect_view()}
            </select>
            <WhichChoices chosen counts of_all of_photos/>
            <PictureChoices chosen/>
            <BackgroundChoices chosen backdrop/>
            <div class="downloads" role="group" aria-label="Take home">
                <button data-testid="save" on:click=takes(Purpose::Save)>"Save"</button>
                <Show when=move || handover::can_copy() && is_picture() && !of_photos.get()>
                    <button data-testid="copy" on:click=takes(Purpose::Copy)>"Copy"</button>
                </Show>
                <Show when=move || handover::can_share() && !of_photos.get()>
                    <button data-testid="share" on:click=takes(Purpose::Share)>"Share"</button>
                </Show>
            </div>
            <Show when=move || { left_out.get() > 0 }>
                <p class="hint">{move || format!("Left out: {}.", counted(left_out.get(), "hidden or empty object"))}</p>
            </Show>
            <p class="hint" role="status" data-testid="taken">{move || state.with(AppState::taking)}</p>
        </fieldset>
    }
}

/// Which objects: those picked, all of the photo, or those of all photos.
#[component]
fn WhichChoices(chosen: Chosen, counts: Counts, of_all: Memo<bool>, of_photos: Memo<bool>) -> impl IntoView {
    let Counts { picked, shown, done } = counts;
    view! {
        <select
            aria-label="Which objects"
            data-testid="save-which"
            on:change=move |event| chosen.which.set(event_target_value(&event))
        >
            <option
                value="picked"
                disabled=move || picked.get() == 0
                prop:selected=move || !of_all.get() && !of_photos.get()
            >
                {move || format!("Picked objects ({})", picked.get())}
            </option>
            <option value="all" prop:selected=of_all>{move || format!("All objects shown ({})", shown.get())}</option>
            <Show when=move || { done.get() > 1 }>
                <option value="photos" prop:selected=of_photos>{move || format!("All photos ({})", done.get())}</option>
            </Show>
        </select>
    }
}

/// Frame and file format, where the choice is a picture.
#[component]
fn PictureChoices(chosen: Chosen) -> impl IntoView {
    let has_frame = chosen.is_one_of(&["cut-out", "cut-outs"]);
    let has_format = chosen.is_one_of(&["cut-out", "cut-outs", "background", "overlay", "everything"]);
    view! {
        <Show when=has_frame>
            <select
                aria-label="Frame"
                data-testid="save-frame"
                on:change=move |event| chosen.full.set(event_target_value(&event) == "full")
            >
                <option value="tight" prop:selected=move || !chosen.full.get()>"Cropped to the object"</option>
                <option value="full" prop:selected=chosen.full>"At the photo's size"</option>
            </select>
        </Show>
        <Show when=has_format>
            <select
                aria-label="File format"
                data-testid="save-format"
                on:change=move |event| chosen.webp.set(event_target_value(&event) == "webp")
            >
                <option value="png" prop:selected=move || !chosen.webp.get()>"PNG"</option>
                <option value="webp" prop:selected=chosen.webp>"WebP, smaller"</option>
            </select>
        </Show>
    }
}

/// What comes behind the objects.
#[component]
fn BackgroundChoices(chosen: Chosen, backdrop: NodeRef<Input>) -> impl IntoView {
    let is_behind = move |name: &'static str| move || chosen.behind.with(|behind| behind == name);
    let choices = [("blur", "The same, blurred"), ("colour", "A colour"), ("photo", "Another photo")];
    view! {
        <Show when=chosen.is_one_of(&["background"])>
            <select
                aria-label="Background"
                data-testid="save-behind"
                on:change=move |event| chosen.behind.set(event_target_value(&event))
            >
                {choices.map(|(name, title)| view! {
                    <option value=name prop:selected=is_behind(name)>{title}</option>
                }).into_iter().collect_view()}
            </select>
            <Show when=is_behind("colour")>
                <input
                    type="color"
                    aria-label="Colour"
                    data-testid="save-colour"
                    prop:value=move || chosen.colour.get()
                    on:input=move |event| chosen.colour.set(event_target_value(&event))
                />
            </Show>
            <Show when=is_behind("photo")>
                <input type="file" accept="image/*" aria-label="Photo for the background" data-testid="save-backdrop" node_ref=backdrop/>
            </Show>
        </Show>
    }
}
