"""Muon: steepest descent under the spectral norm, for weight matrices (Keller Jordan and others, 2024).

The momentum of a matrix is replaced by the nearest matrix with orthonormal rows or columns, found by a few steps of
a Newton-Schulz iteration, and scaled so that one learning rate serves it and AdamW alike (Liu and others, 2025)."""
import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices, steps=5):
    """The same singular vectors with singular values near 1; [..., rows, columns]."""
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    is_tall = x.shape[-2] > x.shape[-1]
    if is_tall:
        x = x.mT
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if is_tall else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                direction = orthogonal(parameter.grad.lerp(state["momentum"], group["momentum"]))
                scale = 0.2 * max(parameter.shape[-2:]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(direction, alpha=-group["lr"] * scale)
