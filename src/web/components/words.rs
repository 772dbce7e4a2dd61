//! Sizes and places in words.

use leptos::prelude::WithUntracked;

use crate::web::app::App;
use crate::web::catalogue::Listed;
use crate::web::place::Place;

/// `12.3 MB`
pub(super) fn megabytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 20.0 { format!("{megabytes:.1} MB") } else { format!("{megabytes:.0} MB") }
}

/// `35 s`, `2 min`
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 90.0 { format!("{:.0} s", seconds.max(1.0)) } else { format!("{:.0} min", seconds / 60.0) }
}

/// What to call the model at a place.
pub(super) fn title(place: &Place) -> String {
    Listed::of(place).map_or_else(|| place.title(), |listed| listed.title.to_owned())
}

/// Where it comes from.
pub(super) fn origin(place: &Place) -> String {
    match place {
        Place::Suited => "bundled".into(),
        Place::Site(_) if Listed::of(place).is_some() => "bundled".into(),
        Place::Hub(_) | Place::SiteOrHub(_) => "from the Hub".into(),
        Place::Device(_) => "from this device".into(),
        Place::Site(address) => match address.split_once("://") {
            Some((_, rest)) => format!("from {}", rest.split('/').next().unwrap_or_default()),
            None => "from this site".into(),
        },
    }
}

/// What the button says that leaves the model in use.
pub(super) fn keep_words(app: App) -> String {
    let used = app.state.with_untracked(|state| state.model.as_ref().map(|model| title(&model.place)));
    format!("Keep using {}", used.unwrap_or_default())
}
