//! Checkpoints from the Hub and from web servers, tested against a local Hub.

mod server;

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use self::server::{COMMIT, Hub};
use burn::tensor::Device;
use mae_seg::engine::Engine;
use mae_seg::sources::{Client, Repository, Settings, Site};
use mae_seg::weights::{Checkpoint, WeightSource, read_folder};
use pollster::block_on;

const WEIGHTS: &str = "model.safetensors";

fn tiny() -> HashMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/eomt_tiny");
    let read = |name: &str| (name.to_owned(), fs::read(folder.join(name)).unwrap());
    ["config.json", WEIGHTS].map(read).into()
}

fn repository(hub: &Hub, cache: &Path, change: impl FnOnce(&mut Settings)) -> Repository {
    named("owner/model", hub, cache, change)
}

fn named(name: &str, hub: &Hub, cache: &Path, change: impl FnOnce(&mut Settings)) -> Repository {
    let mut settings =
        Settings { endpoint: hub.address.clone(), token: None, cache: cache.to_owned(), offline: false };
    change(&mut settings);
    Repository::new(name.parse().unwrap(), settings, Box::new(|_, _, _| {}))
}

#[test]
fn a_model_loads_and_lies_where_python_keeps_it() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    let source = repository(&hub, cache.path(), |_| {});
    block_on(Engine::load(&source, &Device::flex())).unwrap();

    let root = cache.path().join("models--owner--model");
    assert_eq!(fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    let snapshot = root.join("snapshots").join(COMMIT).join(WEIGHTS);
    assert_eq!(fs::read(&snapshot).unwrap(), tiny()[WEIGHTS]);
    let link = fs::read_link(&snapshot).unwrap();
    assert!(link.starts_with("../../blobs"), "{}", link.display());
    assert_eq!(link.file_name().unwrap().len(), 64, "weights are named by their SHA-256");
    let left = fs::read_dir(root.join("blobs")).unwrap().count();
    assert_eq!(left, 2, "nothing incomplete is left");
}

#[test]
fn what_is_kept_is_not_fetched_again_and_works_offline() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap();
    let fetched = hub.ranges(WEIGHTS).len();
    block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap();
    assert_eq!(hub.ranges(WEIGHTS).len(), fetched);

    let asked = hub.with(|behaviour| behaviour.asked.len());
    block_on(read_folder(&repository(&hub, cache.path(), |settings| settings.offline = true))).unwrap();
    assert_eq!(hub.with(|behaviour| behaviour.asked.len()), asked, "offline asks nobody");
    let empty = tempfile::tempdir().unwrap();
    let error = block_on(read_folder(&repository(&hub, empty.path(), |s| s.offline = true))).unwrap_err();
    assert!(error.to_string().contains("HF_HUB_OFFLINE"), "{error}");
}

#[test]
fn a_dropped_line_is_taken_up_where_it_broke() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    hub.with(|behaviour| behaviour.drop_after = vec![20_000, 50_000]);
    let folder = block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap();
    assert!(!folder.tensors.is_empty());
    let starts: Vec<usize> = hub
        .ranges(WEIGHTS)
        .iter()
        .map(|range| range["bytes=".len()..].split('-').next().unwrap().parse().unwrap())
        .collect();
    assert!(starts.is_sorted() && starts.len() >= 5, "no byte is fetched twice: {starts:?}");
    let resumed = hub.with(|behaviour| {
        behaviour.asked.iter().filter(|(_, _, headers)| headers.contains_key("if-range")).count()
    });
    assert!(resumed >= 2, "only of the same file");
}

#[test]
fn a_token_stays_with_the_hub() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    hub.with(|behaviour| behaviour.token = Some("secret".to_owned()));
    let error = block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap_err().to_string();
    assert!(error.contains("licence") && error.contains("HF_TOKEN"), "{error}");

    let source = repository(&hub, cache.path(), |settings| settings.token = Some("secret".to_owned()));
    block_on(read_folder(&source)).unwrap();
    hub.with(|behaviour| {
        let leaked = behaviour
            .asked
            .iter()
            .find(|(_, path, headers)| path.starts_with("/storage") && headers.contains_key("authorization"));
        assert_eq!(leaked, None);
    });
}

#[test]
fn shapes_are_compared_before_any_weight_is_fetched() {
    let mut files = tiny();
    let config = String::from_utf8(files["config.json"].clone()).unwrap();
    files.insert("config.json".to_owned(), config.replace("\"num_queries\": 8", "\"num_queries\": 9").into());
    let header = u64::from_le_bytes(files[WEIGHTS][..8].try_into().unwrap()) + 8;
    let (hub, cache) = (Hub::start(files), tempfile::tempdir().unwrap());
    let error = block_on(Engine::load(&repository(&hub, cache.path(), |_| {}), &Device::flex())).unwrap_err();
    assert!(error.to_string().contains("query.weight"), "{error}");
    let ranges = hub.ranges(WEIGHTS);
    assert_eq!(ranges[..2], ["bytes=0-7".to_owned(), format!("bytes=8-{}", header - 1)]);
    // Two numbers that say how queries attend, and no weight.
    assert!(ranges[2..].iter().all(|range| *range == format!("bytes={header}-{}", header + 7)), "{ranges:?}");
}

#[test]
fn a_file_that_is_shorter_than_promised_is_refused() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    hub.with(|behaviour| behaviour.short_by = 100);
    let error = block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap_err();
    assert!(error.to_string().contains("length"), "{error}");
}

#[test]
fn a_damaged_file_never_enters_the_cache() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    let source = repository(&hub, cache.path(), |_| {});
    block_on(Checkpoint::open(&source)).unwrap();
    hub.with(|behaviour| *behaviour.files.get_mut(WEIGHTS).unwrap().last_mut().unwrap() ^= 1);
    let size = source.size(WEIGHTS).unwrap();
    let error = block_on(source.read_range(WEIGHTS, 0..size)).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    let blobs = fs::read_dir(cache.path().join("models--owner--model/blobs")).unwrap();
    assert_eq!(blobs.count(), 1, "the configuration alone");
}

#[test]
fn what_is_not_there_is_said_precisely() {
    let (hub, cache) = (Hub::start(HashMap::new()), tempfile::tempdir().unwrap());
    for (name, word) in [
        ("owner/model", "model.safetensors"),
        ("owner/other", "no such model"),
        ("owner/model@nowhere", "nowhere"),
    ] {
        let error = block_on(read_folder(&named(name, &hub, cache.path(), |_| {}))).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn any_web_server_will_do_with_and_without_ranges() {
    let hub = Hub::start(tiny());
    let whole = block_on(read_folder(&site(&hub))).unwrap();
    hub.with(|behaviour| behaviour.no_ranges = true);
    assert_eq!(block_on(read_folder(&site(&hub))).unwrap().tensors, whole.tensors);
    let source = site(&hub);
    block_on(source.read("config.json")).unwrap();
}

fn site(hub: &Hub) -> Site {
    Site::new(&format!("{}/owner/model/resolve/main", hub.address), Box::new(|_, _, _| {}))
}

#[test]
fn pytorchs_files_are_found_where_there_are_no_others() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layouts_mae");
    let files = [("config.json", "config.json"), ("pytorch_model.bin", "original.pth")];
    let read = |(name, file): (&str, &str)| (name.to_owned(), fs::read(folder.join(file)).unwrap());
    let (hub, cache) = (Hub::start(files.map(read).into()), tempfile::tempdir().unwrap());
    let tensors = block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap().tensors;
    assert_eq!(tensors.len(), 50);
    let address = format!("{}/owner/model/resolve/main/pytorch_model.bin", hub.address);
    let site = Site::new(&address, Box::new(|_, _, _| {}));
    assert_eq!(block_on(read_folder(&site)).unwrap().tensors, tensors);
}

#[test]
#[ignore = "needs Python with huggingface_hub; make parity-full runs it"]
fn python_finds_what_we_fetched() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap();
    let script = "import sys; from huggingface_hub import snapshot_download, hf_hub_download, scan_cache_dir\n\
                  cache = sys.argv[1]\n\
                  print(hf_hub_download('owner/model', 'model.safetensors', cache_dir=cache, local_files_only=True))\n\
                  print(snapshot_download('owner/model', cache_dir=cache, local_files_only=True))\n\
                  print([len(repo.revisions) for repo in scan_cache_dir(cache).repos])";
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", script]).arg(cache.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    let snapshot = cache.path().join("models--owner--model/snapshots").join(COMMIT);
    assert_eq!(fs::read(lines[0]).unwrap(), tiny()[WEIGHTS]);
    assert_eq!((Path::new(lines[1]), lines[2]), (snapshot.as_path(), "[1]"));
}

#[test]
fn a_range_beyond_the_end_is_an_error() {
    let hub = Hub::start(tiny());
    let beyond = tiny()[WEIGHTS].len() as u64;
    let error = block_on(site(&hub).read_range(WEIGHTS, beyond..beyond + 8)).unwrap_err();
    assert!(error.to_string().contains("416"), "{error}");
}

#[test]
fn other_bytes_than_asked_for_are_refused() {
    let hub = Hub::start(tiny());
    let client = Client::new(None, Duration::ZERO);
    let address = format!("{}/owner/model/resolve/main/{WEIGHTS}", hub.address);
    let read = || client.read_range(&address, &(8..16), None, |_| {});
    assert_eq!(read().unwrap().0, tiny()[WEIGHTS][8..16]);
    hub.with(|behaviour| behaviour.late_by = 4);
    let error = read().unwrap_err().to_string();
    assert!(error.contains("other bytes"), "{error}");
}

#[test]
fn shards_come_from_the_web_once_and_over_dropped_lines() {
    let mut tar = tar::Builder::new(Vec::new());
    for index in 0..2_u8 {
        let mut png = std::io::Cursor::new(Vec::new());
        let photo =
            image::RgbImage::from_fn(90, 90, |x, y| image::Rgb([(x * y) as u8, (x ^ y) as u8, index]));
        photo.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(png.get_ref().len() as u64);
        tar.append_data(&mut header, format!("{index}.png"), png.get_ref().as_slice()).unwrap();
    }
    let bytes = tar.into_inner().unwrap();
    assert!(bytes.len() > 10_000);
    let files = ["shard.tar", "unranged.tar"].map(|name| (name.to_owned(), bytes.clone()));
    let hub = Hub::start(HashMap::from(files));
    hub.with(|behaviour| behaviour.drop_after = vec![5_000]);
    let folder = tempfile::tempdir().unwrap();
    let pretrain = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mae-seg"));
        command.arg("pretrain").arg("--out").arg(folder.path().join("run"));
        command.arg("--data").arg(format!("{}/owner/model/resolve/main/{name}", hub.address));
        command.args(["--image-size", "32", "--batch-size", "2", "--epochs", "1", "--device", "cpu"]);
        command.args(["--decoder-dim", "32", "--decoder-depth", "1"]);
        command.env("XDG_CACHE_HOME", folder.path()).output().unwrap()
    };
    let succeeds = |name: &str| {
        let output = pretrain(name);
        assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    };
    succeeds("shard.tar");
    assert_eq!(hub.ranges("shard.tar").len(), 3, "its length, one dropped, one from there on");
    let kept = fs::read_dir(folder.path().join("mae-seg/shards")).unwrap();
    assert!(kept.map(|entry| entry.unwrap().path()).all(|path| path.extension().is_some_and(|e| e == "tar")));
    succeeds("shard.tar");
    assert_eq!(hub.ranges("shard.tar").len(), 3, "what is here is not fetched again");
    hub.with(|behaviour| (behaviour.no_ranges, behaviour.drop_after) = (true, vec![5_000, 5_000]));
    succeeds("unranged.tar");
    assert_eq!(hub.ranges("unranged.tar").len(), 3, "its length, one dropped, one read from the beginning");
    for kept in fs::read_dir(folder.path().join("mae-seg/shards")).unwrap() {
        fs::write(kept.unwrap().path(), "<html>Please log in</html>").unwrap();
    }
    succeeds("unranged.tar");
    assert_eq!(hub.ranges("unranged.tar").len(), 5, "what is no tar is not kept for good: fetched again");
    let output = pretrain("missing.tar");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.tar"));
}

#[test]
fn damage_in_the_cache_is_mended_from_the_hub_or_named() {
    let (hub, cache) = (Hub::start(tiny()), tempfile::tempdir().unwrap());
    let read = || block_on(read_folder(&repository(&hub, cache.path(), |_| {}))).unwrap();
    let whole = read().tensors;
    let root = cache.path().join("models--owner--model");
    let blob = fs::canonicalize(root.join("snapshots").join(COMMIT).join(WEIGHTS)).unwrap();
    let sound = fs::read(&blob).unwrap();
    let mut flipped = sound.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let zeros = vec![0; sound.len() / 2];
    for damaged in [&sound[..sound.len() / 2], &flipped, &zeros] {
        fs::write(&blob, damaged).unwrap();
        assert!(read().tensors == whole);
        assert!(fs::read(&blob).unwrap() == sound);
        // As if the power had failed during the download.
        let part = blob.with_file_name(format!("{}.incomplete", blob.file_name().unwrap().display()));
        fs::remove_file(&blob).unwrap();
        fs::write(&part, damaged).unwrap();
        assert!(read().tensors == whole);
        assert!(!part.exists() && fs::read(&blob).unwrap() == sound);
    }
    fs::write(&blob, &flipped).unwrap();
    let error = block_on(read_folder(&repository(&hub, cache.path(), |s| s.offline = true))).unwrap_err();
    let named = error.to_string().contains(&root.display().to_string());
    assert!(named && error.to_string().contains("delete"), "{error}");
}

#[test]
fn a_server_that_has_to_be_asked_again_is_named() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/model", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let client = Client::new(None, Duration::ZERO).telling(|what| TOLD.lock().unwrap().push(what.to_owned()));
    assert!(client.read(&address).is_err());
    assert!(client.read_range(&address, &(0..4), None, |_| {}).is_err());
    let told = TOLD.lock().unwrap();
    assert_eq!(told.len(), 8, "{told:?}");
    assert!(told.iter().all(|what| what.starts_with(&address)) && told[0].contains("2 of 5"), "{told:?}");
}
