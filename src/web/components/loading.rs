//! Progress of a loading model: its stages, its pace, and a way out if it is slow.

use std::time::Duration;

use leptos::prelude::*;

use super::words::{megabytes, seconds};
use crate::web::app::App;
use crate::web::pace::{Pace, Watch};
use crate::web::protocol::{BackendChoice, Progress};
use crate::web::state::{Event, Status};

/// Text keys of the stages.
const STAGES: [&str; 4] = ["stage-program", "stage-model", "stage-warm-up", "stage-ready"];
/// Seconds of warming up after which the CPU is offered.
const PATIENCE_S: u32 = 5;

/// Stages and pace while a model is loading.
#[component]
pub(super) fn Loading(app: App) -> impl IntoView {
    let progress = Memo::new(move |_| app.state.with(|state| state.progress()));
    let stage = Memo::new(move |_| {
        let is_loading =
            app.state.with(|state| state.status() == Status::Loading || state.is_changing_model());
        progress.get().filter(|_| is_loading).map(stage)
    });
    let (watch, pace) = (StoredValue::new(Watch::default()), RwSignal::new(None));
    Effect::new(move |_| {
        let (progress, now) = (progress.get(), now_ms());
        pace.set(watch.try_update_value(|watch| watch.see(progress, now)).flatten());
    });
    view! {
        <Show when=move || stage.get().is_some()>
            <ol class="stages" data-testid="stages">
                {STAGES.into_iter().enumerate().map(|(number, key)| view! {
                    <li
                        class:done=move || stage.get().is_some_and(|stage| number < stage)
                        aria-current=move || (stage.get() == Some(number)).then_some("step")
                    >{app.says(key)}</li>
                }).collect_view()}
            </ol>
            <p class="hint pace" data-testid="pace">{move || pace.get().map(|pace| pace_words(app, pace))}</p>
            <Show when=move || progress.get() == Some(Progress::WarmingUp)>
                <WarmUp app/>
            </Show>
        </Show>
    }
}

/// How long the GPU has been warming up, and the way to the CPU.
#[component]
fn WarmUp(app: App) -> impl IntoView {
    let passed_s = RwSignal::new(0);
    let tick =
        set_interval_with_handle(move || passed_s.update(|passed| *passed += 1), Duration::from_secs(1));
    on_cleanup(move || tick.into_iter().for_each(|tick| tick.clear()));
    view! {
        <p class="hint">
            {move || app.tells("warming-up-for", [("seconds", passed_s.get().into())])} " "
            <Show when=move || { passed_s.get() >= PATIENCE_S }>
                <button
                    class="link"
                    data-testid="use-cpu"
                    on:click=move |_| app.dispatch(Event::BackendChosen(BackendChoice::Cpu))
                >{app.says("use-cpu")}</button>
            </Show>
        </p>
    }
}

const fn stage(progress: Progress) -> usize {
    match progress {
        Progress::Starting { .. } => 0,
        Progress::Probing | Progress::Downloading { .. } => 1,
        Progress::WarmingUp => 2,
        Progress::Decoding | Progress::Segmenting => 3,
    }
}

/// Formats a pace such as `0.4 MB/s · 35 s left`.
fn pace_words(app: App, Pace { rate, left_s }: Pace) -> String {
    let (rate, left) = (megabytes(app, rate as u64), seconds(app, left_s));
    app.tells("pace", [("rate", rate.into()), ("left", left.into())])
}

fn now_ms() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}
