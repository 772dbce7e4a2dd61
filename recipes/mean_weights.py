"""Averages the weights of two runs; tensors that differ in shape are taken from the second.

    pip install "numpy<2" safetensors
    python recipes/mean_weights.py runs/first/checkpoint runs/second/checkpoint --out mean

The second run should have started from the first. The folder can be exported and evaluated like a run.
"""
import argparse, os, shutil

from safetensors.numpy import load_file, save_file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs=2, help="checkpoints with a model.safetensors each")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    first, second = (load_file(os.path.join(folder, "model.safetensors")) for folder in args.folders)
    alike = {name for name in second if name in first and first[name].shape == second[name].shape}
    mean = {name: (first[name] + tensor) / 2 if name in alike else tensor for name, tensor in second.items()}
    os.makedirs(args.out, exist_ok=True)
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copy(os.path.join(args.folders[1], name), args.out)
    save_file(mean, os.path.join(args.out, "model.safetensors"))
    print(f"{len(alike)} of {len(second)} tensors averaged; the rest: {', '.join(sorted(set(second) - alike)) or 'none'}")


if __name__ == "__main__":
    main()
