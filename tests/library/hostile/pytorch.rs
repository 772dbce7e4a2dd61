//! PyTorch's files, whose table of contents is a program.

use rawzip::CompressionMethod;

use super::memory::Files;
use super::pickling::{
    View, archive, call, dict, global, number, pickle, saved, saved_as_stream, text, tuple,
};

const FILE: &str = "weights.pth";

fn refusal(content: Vec<u8>) -> String {
    let refusal = Files::named(FILE, content).refusal();
    assert!(refusal.contains(FILE), "{refusal}");
    refusal
}

/// Returns the error for one tensor, which must be named.
fn refusal_of(view: &View) -> String {
    let refusals = [saved, saved_as_stream].map(|save| refusal(save(&dict(&[("a.weight", view.pickled())]))));
    assert!(refusals.iter().all(|refusal| refusal.contains("`a.weight`")), "{refusals:?}");
    refusals.concat()
}

#[test]
fn programs_are_refused_by_name_and_the_way_on_is_told() {
    let evil = [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("torch.FloatStorage", "from_file"),
        ("collections", "OrderedDict.__class__"),
    ];
    for (module, name) in evil {
        let attack = call(&global(module, name), &[text("touch harm")]);
        let newer = [text(module), text(name), b"\x93".to_vec(), tuple(&[]), b"R".to_vec()].concat();
        for value in [attack, newer] {
            let beside = dict(&[("model", dict(&[("a.weight", View::honest().pickled())])), ("x", value)]);
            for refusal in [refusal(saved(&beside)), refusal(saved_as_stream(&beside))] {
                assert!(refusal.contains(&format!("`{module}.{name}`")), "{refusal}");
                assert!(refusal.contains("save_file"), "{refusal}");
            }
        }
    }
}

#[test]
fn other_ways_to_run_or_reach_something_are_refused() {
    for instruction in [b'i', b'o', b'P', 0x82, 0x83, 0x84, 0x92, 0x97, b'I', b'S'] {
        let refusal = refusal(saved(&[instruction]));
        assert!(refusal.contains(&format!("0x{instruction:02x}")), "{refusal}");
    }
}

#[test]
fn a_view_must_lie_within_its_storage() {
    let large = 1_i64 << 40;
    let lies = [
        View { offset: 1, ..View::honest() },
        View { offset: -1, ..View::honest() },
        View { offset: i64::MAX, ..View::honest() },
        View { shape: vec![large, large], strides: vec![large, 1], ..View::honest() },
        View { shape: vec![large], strides: vec![0], ..View::honest() },
        View { shape: vec![i64::MAX, i64::MAX, 0], strides: vec![1, 1, 1], ..View::honest() },
        View { shape: vec![-2, 3], ..View::honest() },
        View { strides: vec![-3, 1], ..View::honest() },
        View { strides: vec![i64::MAX, i64::MAX], ..View::honest() },
        View { strides: vec![1], ..View::honest() },
        View { strides: vec![1, 1], ..View::honest() },
        View { strides: vec![6, 1], ..View::honest() },
        View { count: large, shape: vec![large], strides: vec![1], ..View::honest() },
        View { count: i64::MAX, ..View::honest() },
        View { count: -1, ..View::honest() },
    ];
    lies.iter().for_each(|view| drop(refusal_of(view)));
    let repeated = refusal_of(&View { shape: vec![4, 6], strides: vec![0, 1], ..View::honest() });
    assert!(repeated.contains("contiguous"), "{repeated}");
    let wider = View { kind: "DoubleStorage", ..View::honest() }.pickled();
    assert!(refusal(saved(&dict(&[("a.weight", wider.clone())]))).contains("`a.weight`"));
    assert!(refusal(saved_as_stream(&dict(&[("a.weight", wider)]))).contains("storage `0`"));
}

#[test]
fn sharing_does_not_multiply_a_small_file() {
    let names: Vec<String> = (0..500).map(|n| format!("a{n}")).collect();
    let view = View { count: 20_000, shape: vec![20_000], strides: vec![1], ..View::honest() };
    let entries: Vec<_> = names.iter().map(|name| (name.as_str(), view.pickled())).collect();
    let contents = pickle(&dict(&entries));
    let content = archive(&[("data.pkl", &contents), ("data/0", &[0; 80_000])], CompressionMethod::STORE);
    assert!(refusal(content).contains("claim"));
}

#[test]
fn bombs_do_not_go_off() {
    let deep = [vec![b'('; 100_000], vec![b't'; 100_000]].concat();
    let doubling: Vec<u8> = (0..60).flat_map(|_| *b"q\0h\0h\0\x86").collect();
    let itself = b"]q\0h\0a".to_vec();
    let endless = vec![b'N'; 3_000_000];
    let memo: Vec<u8> =
        (0..100_000_u32).flat_map(|key| [&b"Nr"[..], &(key << 8).to_le_bytes()].concat()).collect();
    for value in [deep, [b"N".to_vec(), doubling].concat(), itself, endless, memo] {
        refusal(saved(&value));
    }
    // Claimed lengths of data that does not exist.
    for claim in [
        &b"X\xff\xff\xff\xff"[..],
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\x7f",
        b"B\xff\xff\xff\xff",
    ] {
        assert!(refusal(saved(claim)).contains("cut off"));
    }
}

#[test]
fn archives_that_are_not_pytorchs_are_refused() {
    let model = pickle(&dict(&[("a.weight", View::honest().pickled())]));
    let numbers = &[0; 24][..];
    let store = CompressionMethod::STORE;
    let refused = |entries: &[(&str, &[u8])], method| refusal(archive(entries, method));
    assert!(refused(&[("data/0", numbers)], store).contains("data.pkl"));
    assert!(refused(&[("data.pkl", &model)], store).contains("data/0"));
    assert!(
        refused(&[("data.pkl", &model), ("data/0", numbers)], CompressionMethod::DEFLATE)
            .contains("compressed")
    );
    assert!(
        refused(&[("data.pkl", &model), ("data/0", numbers), ("data/0", numbers)], store).contains("two")
    );
    assert!(
        refused(&[("data.pkl", &model), ("data/0", numbers), ("byteorder", b"big")], store)
            .contains("big-endian")
    );
    assert!(refused(&[("data.pkl", &model), ("data/0", &numbers[..20])], store).contains("a.weight"));
    for nothing in [number(3), dict(&[]), dict(&[("epoch", number(3))]), tuple(&[View::honest().pickled()])] {
        assert!(refusal(saved(&nothing)).contains("no tensors by name"));
    }
}
