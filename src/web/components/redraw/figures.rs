//! Measures of how close the drawing is to the photo.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::protocol::Drawn;

/// A table of the measures, with a column for each drawing.
#[component]
pub(super) fn Figures(app: App) -> impl IntoView {
    let drawn = Memo::new(move |_| app.state.with(|state| state.redraw.drawn.clone()));
    let row = move |[name, key, about]: [&'static str; 3], value: fn(App, [f64; 2]) -> String| {
        let told = move |drawn: &Drawn| drawn.likeness.map_or_else(|| "–".into(), |both| value(app, both));
        view! {
            <tr title=app.says(about)>
                <th scope="row">{app.says(key)}</th>
                {move || drawn.with(|all| all.iter().map(told).map(|value| view! { <td data-testid=name>{value}</td> }).collect_view())}
            </tr>
        }
    };
    view! {
        <Show when=move || drawn.with(|all| !all.is_empty())>
            <table class="figures">
                <tbody>
                    {row(["redraw-psnr", "psnr", "psnr-about"], |app, [psnr, _]| decibels(app, psnr))}
                    {row(["redraw-ssim", "ssim", "ssim-about"], |app, [_, ssim]| {
                        app.tells("similarity", [("similarity", ssim.into())])
                    })}
                </tbody>
            </table>
        </Show>
    }
}

fn decibels(app: App, psnr: f64) -> String {
    if psnr.is_finite() { app.tells("decibels", [("decibels", psnr.into())]) } else { app.text("equal") }
}
