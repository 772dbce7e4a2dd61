//! How close the drawing is.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::protocol::Drawn;

/// Numbers of what is shown, a column for each drawing.
#[component]
pub(super) fn Figures(app: App) -> impl IntoView {
    let drawn = Memo::new(move |_| app.state.with(|state| state.redraw.drawn.clone()));
    let row = move |name: &'static str,
                    caption: &'static str,
                    about: &'static str,
                    value: fn(&Drawn) -> String| {
        view! {
            <tr title=about>
                <th scope="row">{caption}</th>
                {move || drawn.with(|all| all.iter().map(value).map(|value| view! { <td data-testid=name>{value}</td> }).collect_view())}
            </tr>
        }
    };
    view! {
        <Show when=move || drawn.with(|all| !all.is_empty())>
            <table class="figures">
                <tbody>
                    {row(
                        "redraw-psnr",
                        "Pixels (PSNR)",
                        "How close the drawn patches are to the photo: 15 dB is far off, 20 dB is rough, 30 dB is close",
                        |drawn| drawn.likeness.map_or_else(|| "–".into(), |[psnr, _]| decibels(psnr)),
                    )}
                    {row(
                        "redraw-ssim",
                        "Structure (SSIM)",
                        "How much of the photo's edges and patterns the whole picture has: 1 is all of it",
                        |drawn| drawn.likeness.map_or_else(|| "–".into(), |[_, ssim]| format!("{ssim:.2}")),
                    )}
                </tbody>
            </table>
        </Show>
    }
}

fn decibels(psnr: f64) -> String {
    if psnr.is_finite() { format!("{psnr:.1} dB") } else { "equal".into() }
}
