//! The page's entry.

fn main() {
    mae_seg::web::components::mount();
}
