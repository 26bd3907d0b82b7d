"""Draws the training report's pictures: pictures.py LOG.json ROUTER_LOAD.json OUT_FOLDER"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  the back end has to be chosen first


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def loss_curve(log, path):
    figure, left = pyplot.subplots(figsize=(7, 3.6))
    millions = [each["tokens"] / 1e6 for each in log]
    left.plot(millions, [each["loss"] for each in log], color="tab:blue")
    left.set_yscale("log")
    left.set_xlabel("millions of training tokens")
    left.set_ylabel("cross entropy (nats)", color="tab:blue")
    right = left.twinx()
    right.plot(millions, [100 * each["right"] for each in log], color="tab:orange")
    right.set_ylabel("tokens predicted right (%)", color="tab:orange")
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def router_load(shares, path):
    figure, axes = pyplot.subplots(1, len(shares), figsize=(7, 2.8), sharey=True)
    for (layer, share), axis in zip(shares.items(), axes):
        axis.bar(range(len(share)), share, color="tab:green")
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set_title(f"layer {layer}", fontsize=9)
        axis.set_xlabel("expert")
    axes[0].set_ylabel("load (1 = fair share)")
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def main():
    log, load_path, folder = sys.argv[1:]
    loss_curve(load(log)["log"], f"{folder}/loss.png")
    router_load(load(load_path)["shares"], f"{folder}/router_load.png")


if __name__ == "__main__":
    main()
