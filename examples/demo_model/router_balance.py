"""Keeps the experts of a layer equally busy without a loss term (Wang and others, 2024, arXiv 2408.15664).

After each step the bias of an expert that had too little to do goes up and that of a busy one goes down. The bias
decides which experts are chosen and never how much they count."""
import torch


class RouterBalance:
    """Watches the routers of a model. The loads are those since the last look."""

    def __init__(self, model, speed=0.005):
        self.speed = speed
        self.blocks = [layer.feed_forward for layer in model.model.layers if hasattr(layer.feed_forward, "gate")]
        self.counts = [torch.zeros_like(block.expert_bias) for block in self.blocks]
        self.is_token = None  # [tokens]: padding is no load
        for block, count in zip(self.blocks, self.counts):
            block.gate.register_forward_hook(self.counter(count))

    def counter(self, count):
        def hook(_module, _inputs, outputs):
            chosen = outputs[2]
            if self.is_token is not None:
                chosen = chosen[self.is_token]
            count.add_(torch.bincount(chosen.reshape(-1), minlength=len(count)))
        return hook

    def shares(self):
        """For each layer what each expert did, 1 being its fair share."""
        return [count * len(count) / count.sum().clamp(min=1) for count in self.counts]

    def forget(self):
        for count in self.counts:
            count.zero_()

    @torch.no_grad()
    def update(self, rate):
        """Moves the biases by speed * rate; returns the largest share of an expert since the last update."""
        worst = max(float(share.max()) for share in self.shares())
        for block, count in zip(self.blocks, self.counts):
            block.expert_bias.add_(torch.sign(count.mean() - count), alpha=self.speed * rate)
        self.forget()
        return worst
