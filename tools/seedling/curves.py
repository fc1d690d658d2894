"""A training run's log as a picture: the loss, and the held-out error of each layer, over minutes."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def plot(log, path):
    """log: entries of {minutes, loss, probe: [error a layer]}, or of {minutes, loss, held: {name: value}}."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    minutes = [e["minutes"] for e in log]
    axes[0].plot(minutes, [e["loss"] for e in log], color="#333333")
    axes[0].set(title="training loss", xlabel="minutes", yscale="log")
    if "probe" in log[-1]:
        for i, name in enumerate(("background", "shapes and illustrations", "text")):
            axes[1].plot(minutes, [e["probe"][i] for e in log], label=name)
        axes[1].set(title="held-out error over variance, one step", xlabel="minutes", ylim=(0, 1.05))
    else:
        for name in log[-1]["held"]:
            axes[1].plot(minutes, [e["held"][name] for e in log], label=name)
        axes[1].set(title="held out", xlabel="minutes")
    axes[1].legend(fontsize=8)
    for a in axes:
        a.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
