//! Stopping a training run by Ctrl-C or a signal.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::train::RunFolder;

/// The exit status of a program that Ctrl-C ended, as shells report it.
pub(in crate::cli) const INTERRUPTED: u8 = 130;

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Makes Ctrl-C and SIGTERM end `run` after its current step, with a checkpoint; a second signal ends the
/// program at once. Runs of several processes are left to `mpirun`, which ends all of them.
///
/// # Errors
///
/// The system's error if it accepts no handler.
pub(in crate::cli) fn stop_by_signal(run: &mut RunFolder) -> io::Result<()> {
    if run.is_shared() {
        return Ok(());
    }
    let asked = match ASKED.get() {
        Some(asked) => asked,
        None => ASKED.get_or_init({
            let asked = Arc::new(AtomicBool::new(false));
            for signal in [SIGINT, SIGTERM] {
                flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&asked))?;
                flag::register(signal, Arc::clone(&asked))?;
            }
            move || asked
        }),
    };
    run.stop_when(Arc::clone(asked));
    Ok(())
}

/// Stops the run as a signal does; a run that cannot be stopped that way ends at once.
pub(super) fn stop() {
    match ASKED.get() {
        Some(asked) => asked.store(true, Ordering::Relaxed),
        None => std::process::exit(INTERRUPTED.into()),
    }
}
