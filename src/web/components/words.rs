//! Formats sizes, shares and model references.

use leptos::prelude::With;

use crate::web::app::App;
use crate::web::catalogue::Listed;
use crate::web::place::Place;
use crate::web::protocol::Found;

/// Formats a size such as `12.3 MB`.
pub(super) fn megabytes(app: App, bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    let key = if megabytes < 20.0 { "megabytes" } else { "many-megabytes" };
    app.tells(key, [("megabytes", megabytes.into())])
}

/// Formats a share from 0 to 1 such as `12%`.
pub(super) fn percent(app: App, share: impl Into<f64>) -> String {
    app.tells("percent", [("share", share.into().into())])
}

/// Formats a duration such as `35 s` or `2 min`.
pub(super) fn seconds(app: App, seconds: f64) -> String {
    if seconds < 90.0 {
        app.tells("seconds", [("seconds", seconds.max(1.0).into())])
    } else {
        app.tells("minutes", [("minutes", (seconds / 60.0).into())])
    }
}

/// Formats an object such as `person 92%`.
pub(super) fn named(app: App, found: &Found) -> String {
    app.tells("named-object", [("label", app.label(&found.label).into()), ("share", found.score.into())])
}

/// Returns the name of a model.
pub(super) fn title(app: App, place: &Place) -> String {
    match place {
        Place::Suited => app.text("suited-model"),
        place => Listed::of(place).map_or_else(|| place.title(), |listed| listed.title.to_owned()),
    }
}

/// Returns where a model comes from.
pub(super) fn origin(app: App, place: &Place) -> String {
    match place {
        Place::Suited => app.text("bundled"),
        Place::Site(_) if Listed::of(place).is_some() => app.text("bundled"),
        Place::Hub(_) | Place::SiteOrHub(_) => app.text("from-hub"),
        Place::Device(_) => app.text("from-device"),
        Place::Site(address) => match address.split_once("://") {
            Some((_, rest)) => {
                app.tells("from-host", [("host", rest.split('/').next().unwrap_or_default().into())])
            }
            None => app.text("from-site"),
        },
    }
}

/// Returns the caption of the button that keeps the model in use.
pub(super) fn keep_words(app: App) -> String {
    let used = app.state.with(|state| state.model.as_ref().map(|model| model.place.clone()));
    let used = used.map(|place| title(app, &place)).unwrap_or_default();
    app.tells("keep-using", [("model", used.into())])
}
