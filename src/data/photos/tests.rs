//! Sets of photos in folders and shards.

use std::fs;
use std::io::Cursor;

use image::{ImageFormat, Rgb};

use super::*;

fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(width, height, Rgb(colour)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("deep")).unwrap();
    fs::write(dir.path().join("deep/b.png"), png(30, 20, [0, 255, 0])).unwrap();
    fs::write(dir.path().join("a.png"), png(20, 30, [255, 0, 0])).unwrap();
    fs::write(dir.path().join("notes.txt"), "not a photo").unwrap();
    let mut tar = tar::Builder::new(fs::File::create(dir.path().join("z.tar")).unwrap());
    let bytes = png(25, 25, [0, 0, 255]);
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, "c.png", bytes.as_slice()).unwrap();
    tar.finish().unwrap();
    dir
}

#[test]
fn folders_and_shards_become_one_sorted_set() {
    let dir = folder();
    let set = PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Skip).unwrap();
    assert_eq!(set.len(), 3);
    let colours: Vec<_> = (0..3).map(|i| set.photo(i).unwrap().pixels()[..3].to_vec()).collect();
    assert_eq!(colours, [[255, 0, 0], [0, 255, 0], [0, 0, 255]]);
}

#[test]
fn crops_are_normalised_planes_in_the_order_asked() {
    let dir = folder();
    let set = PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Skip).unwrap();
    let crop = CropOptions { image_size: 8, ..CropOptions::default() };
    let batch = set.batch(&[2, 0], &crop, None, (1, 0)).unwrap();
    assert_eq!(batch.pixels.len(), 2 * 3 * 64);
    let means: Vec<f32> = batch.pixels.chunks(64).map(|p| p.iter().sum::<f32>() / 64.0).collect();
    let low = [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225];
    let high = [0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225];
    let expected = [low[0], low[1], high[2], high[0], low[1], low[2]];
    for (got, want) in means.iter().zip(expected) {
        assert!((got - want).abs() < 1e-4, "{got} is not {want}");
    }
}

#[test]
fn a_sample_depends_on_seed_epoch_and_index_only() {
    let dir = tempfile::tempdir().unwrap();
    let noisy = image::RgbImage::from_fn(60, 50, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, (x * y) as u8]));
    noisy.save(dir.path().join("a.png")).unwrap();
    noisy.save(dir.path().join("b.png")).unwrap();
    let set = PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Skip).unwrap();
    let crop = CropOptions { image_size: 16, ..CropOptions::default() };
    let pixels =
        |indices: &[usize], seed, epoch| set.batch(indices, &crop, None, (seed, epoch)).unwrap().pixels;
    assert_eq!(pixels(&[0, 1], 5, 2)[768..], pixels(&[1], 5, 2));
    assert_ne!(pixels(&[0], 5, 2), pixels(&[0], 5, 3));
    assert_ne!(pixels(&[0], 5, 2), pixels(&[0], 6, 2));
    assert_ne!(pixels(&[0], 5, 2), pixels(&[1], 5, 2));
}

#[test]
fn a_photo_that_was_replaced_makes_another_set() {
    let dir = folder();
    let fingerprint = || PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Skip).unwrap().fingerprint();
    let mut before = fingerprint();
    assert_eq!(fingerprint(), before);
    let whole = |name: &str| fs::read(dir.path().join(name)).unwrap();
    let other = png(21, 40, [9, 9, 9]);
    let mut bytes = [other, whole("a.png"), whole("z.tar")];
    *bytes[1].last_mut().unwrap() ^= 1;
    bytes[2][520] ^= 1;
    for (name, bytes) in ["a.png", "a.png", "z.tar"].into_iter().zip(bytes) {
        fs::write(dir.path().join(name), bytes).unwrap();
        assert_ne!(fingerprint(), before, "{name}");
        before = fingerprint();
    }
}

#[test]
fn pictures_of_this_program_are_no_photos_unless_they_are_named() {
    let dir = folder();
    let panel = dir.path().join("deep/panel.png");
    fs::write(&panel, files::drawn::marked(&png(9, 9, [1, 2, 3]), "")).unwrap();
    let set = PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Stop).unwrap();
    assert_eq!(set.len(), 3);
    assert!(set.left_out().told().contains("panel.png"), "{}", set.left_out().told());
    assert_eq!(PhotoSet::open(&[panel], Damaged::Stop).unwrap().len(), 1);
}

#[test]
fn unreadable_photos_are_named_and_replaced() {
    let dir = folder();
    fs::write(dir.path().join("b.jpg"), "no image").unwrap();
    let set = PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Skip).unwrap();
    let crop = CropOptions { image_size: 8, flip: false, ..CropOptions::default() };
    let batch = set.batch(&[1], &crop, None, (1, 0)).unwrap();
    assert_eq!(batch.skipped.len(), 1);
    assert!(batch.skipped[0].to_string().contains("b.jpg"), "{}", batch.skipped[0]);
    assert!(batch.pixels[64] > 2.0, "the green neighbour stands in");
    let strict = PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Stop).unwrap();
    let error = strict.batch(&[1], &crop, None, (1, 0)).unwrap_err().to_string();
    assert!(error.contains("b.jpg"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_is_named_and_left_out() {
    let dir = folder();
    std::os::unix::fs::symlink("gone.jpg", dir.path().join("link.jpg")).unwrap();
    let open = |damaged| PhotoSet::open(&[dir.path().to_path_buf()], damaged);
    let set = open(Damaged::Skip).unwrap();
    assert_eq!(set.len(), 3);
    assert!(matches!(set.cut(), [named] if named.contains("link.jpg")), "{:?}", set.cut());
    assert!(matches!(open(Damaged::Stop), Err(DataError::Io { .. })));
}

#[test]
fn nothing_readable_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let open = || PhotoSet::open(&[dir.path().to_path_buf()], Damaged::Skip);
    assert!(matches!(open(), Err(DataError::NoPhotos(_))));
    let unread = dir.path().join("shard.tar.zst");
    fs::write(&unread, "packed").unwrap();
    let error = PhotoSet::open(&[unread], Damaged::Skip).unwrap_err().to_string();
    assert!(error.contains("shard.tar.zst"), "{error}");
    fs::write(dir.path().join("a.jpg"), "no image").unwrap();
    let error = open().unwrap().batch(&[0], &CropOptions::default(), None, (1, 0)).unwrap_err();
    assert!(matches!(error, DataError::NoReadablePhoto { tried: 1, .. }), "{error}");
}
