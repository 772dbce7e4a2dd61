//! The worker's entry.

fn main() {
    mae_seg::web::worker::serve();
}
