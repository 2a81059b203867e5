"""Small networks whose rates change along different paths, with the periods that follow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Does(nn.Module):
    """A network whose ``forward`` is a function of its parts and its input."""

    def __init__(self, function: Callable, **parts: nn.Module):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def down(stride: int, channels: int = 1, width: int = 4) -> nn.Conv1d:
    return nn.Conv1d(channels, width, 2 * stride, stride, -(-stride // 2))


def up(stride: int, width: int = 4, channels: int = 1) -> nn.ConvTranspose1d:
    # Odd strides need an output padding to give whole frames.
    return nn.ConvTranspose1d(width, channels, 2 * stride, stride, -(-stride // 2), stride % 2)


def same(channels: int = 4, out: int | None = None) -> nn.Conv1d:
    return nn.Conv1d(channels, out or channels, 3, padding=1)


def u_net(*strides: int) -> nn.Module:
    encoder = [down(stride, 1 if i == 0 else 4) for i, stride in enumerate(strides)]
    decoder = [up(stride, 4, 4) for stride in strides[::-1]]
    return nn.Sequential(*encoder, *decoder, same(4, 1))


def chunks_in_a_loop() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        return torch.cat([self.net(chunk) for chunk in x.split(640, -1)], -1)

    return Does(forward, net=u_net(4, 2))


def overlapping_chunks() -> nn.Module:
    """A hop of 480 and chunks of 640: the calls see more samples than the signal has."""

    def forward(self: Does, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 640))
        y = torch.zeros_like(x)
        for start in range(0, x.shape[-1] - 639, 480):
            y[..., start : start + 640] += self.net(x[..., start : start + 640])
        return y[..., :-640]

    return Does(forward, net=u_net(4, 2))


def chunks_in_the_batch() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        return self.net(x.view(-1, 1, 512)).reshape(1, 1, -1)

    return Does(forward, net=u_net(4, 2))


def overlapping_chunks_in_the_batch() -> nn.Module:
    """Cut by ``unfold``, joined by ``fold``: kernel 512, hop 256."""

    def forward(self: Does, x: Tensor) -> Tensor:
        chunks = x.unfold(-1, 512, 256).reshape(-1, 1, 512)
        y = self.net(chunks)[:, 0].T[None]
        return F.fold(y, (1, x.shape[-1]), (1, 512), stride=(1, 256))[:, 0]

    return Does(forward, net=u_net(4, 2))


def dual_path() -> nn.Module:
    """Segments of 16 frames with a hop of 8 frames, as in dual-path networks."""

    def forward(self: Does, x: Tensor) -> Tensor:
        z = self.encoder(x)
        segments = F.unfold(z[..., None], (16, 1), stride=(8, 1)).reshape(4, 16, -1)
        z = self.across(self.within(segments.permute(2, 1, 0))[0].transpose(0, 1))[0]
        z = z.permute(2, 0, 1).reshape(1, 64, -1)
        z = F.fold(z, ((segments.shape[-1] - 1) * 8 + 16, 1), (16, 1), stride=(8, 1))
        return self.decoder(z[..., 0])

    parts = {name: nn.LSTM(4, 4, batch_first=True) for name in ("within", "across")}
    return Does(forward, encoder=down(4), decoder=up(4), **parts)


def parallel_branches() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        return self.fine(x) + self.coarse(x)

    fine = nn.Sequential(up(2, 4, 4), up(4))
    coarse = nn.Sequential(up(8))
    return Does(forward, fine=fine, coarse=coarse)


def shared_layer() -> nn.Module:
    """One layer three times in a row."""

    def forward(self: Does, x: Tensor) -> Tensor:
        return self.end(self.up(self.up(self.up(x))))

    return Does(forward, up=up(2, 4, 4), end=same(4, 1))


def quantizer() -> nn.Module:
    """Nearest codeword per frame, with a straight-through estimator."""

    def forward(self: Does, x: Tensor) -> Tensor:
        z = self.encoder(x)
        flat = z.transpose(1, 2).reshape(-1, 4)
        codes = torch.cdist(flat, self.codes.weight).argmin(-1)
        q = self.codes(codes).view(1, -1, 4).transpose(1, 2)
        return self.decoder(z + (q - z).detach())

    return Does(forward, encoder=down(8), codes=nn.Embedding(16, 4), decoder=up(8))


class OversampledActivation(nn.Module):
    """x2 by zero insertion and a fixed low-pass, a nonlinearity, and back, as in BigVGAN."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        self.register_buffer("filter", torch.hann_window(12, periodic=False).view(1, 1, -1) / 6)

    def forward(self, x: Tensor) -> Tensor:
        filters = self.filter.expand(self.channels, -1, -1)
        x = F.conv_transpose1d(x, 2 * filters, stride=2, padding=5, groups=self.channels)
        x = F.pad(torch.sin(x), (5, 5), mode="replicate")
        return F.conv1d(x, filters, stride=2, groups=self.channels)


def oversampled_activations() -> nn.Module:
    return nn.Sequential(
        up(4, 4, 4), OversampledActivation(4), up(3, 4, 4), OversampledActivation(4), same(4, 1)
    )


def inner_rate_doubled() -> nn.Module:
    """The whole network works at twice the rate (Demucs v2)."""
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="linear"), u_net(4, 4), nn.AvgPool1d(2))


def codec() -> nn.Module:
    """Strides 7, 5, 4, 3; the output is as long as the input, not a number of frames."""

    def forward(self: Does, x: Tensor) -> Tensor:
        z, _ = self.lstm(self.encoder(x).permute(2, 0, 1))
        return F.pad(self.decoder(z.permute(1, 2, 0)), (0, 420))[..., : x.shape[-1]]

    encoder = nn.Sequential(down(3), down(4, 4), down(5, 4), down(7, 4))
    decoder = nn.Sequential(up(7, 4, 4), up(5, 4, 4), up(4, 4, 4), up(3))
    return Does(forward, encoder=encoder, lstm=nn.LSTM(4, 4), decoder=decoder)


def recurrent(kind: type[nn.Module], hidden: int) -> nn.Module:
    """The hidden size is a multiple of the time."""

    def forward(self: Does, x: Tensor) -> Tensor:
        z, _ = self.net(x.transpose(1, 2))
        return self.out(z).transpose(1, 2)

    return Does(forward, net=kind(1, hidden, batch_first=True), out=nn.Linear(hidden, 1))


def attention() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        z = self.inner(x)
        scores = torch.einsum("bct,bcs->bts", z, z).softmax(-1)
        z = torch.bmm(z, scores) + (z @ scores)
        return self.out(z)

    return Does(forward, inner=same(1, 4), out=same(4, 1))


def joined_along_time() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        y = torch.cat([x, self.net(x), x], -1)
        return y[..., x.shape[-1] : 2 * x.shape[-1]]

    return Does(forward, net=same(1))


def strides_along_frequency(time_last: bool) -> nn.Module:
    """A spectrogram network; the Fourier transforms have a hop of 64."""

    def forward(self: Does, x: Tensor) -> Tensor:
        window = torch.hann_window(256)
        spectrum = torch.stft(x[:, 0], 256, 64, window=window, return_complex=True)
        z = torch.view_as_real(spectrum[:, :-1]).permute(0, 3, 1, 2)
        z = z if time_last else z.mT
        z = self.net(z)
        z = z if time_last else z.mT
        spectrum = torch.view_as_complex(F.pad(z, (0, 0, 0, 1)).permute(0, 2, 3, 1).contiguous())
        return torch.istft(spectrum, 256, 64, window=window, length=x.shape[-1])[:, None]

    stride = (4, 1) if time_last else (1, 4)
    net = nn.Sequential(
        nn.Conv2d(2, 4, stride, stride), nn.ReLU(), nn.ConvTranspose2d(4, 2, stride, stride)
    )
    return Does(forward, net=net)


def folded_transform() -> nn.Module:
    """An inverse transform by overlap-add of frames and of the windows' squares (hop 16)."""

    def forward(self: Does, x: Tensor) -> Tensor:
        frames = torch.fft.irfft(torch.complex(*self.head(x).chunk(2, 1)), 64, dim=1)
        window = torch.hann_window(64)[None, :, None]
        samples = (x.shape[-1] - 1) * 16 + 64
        fold = {"output_size": (1, samples), "kernel_size": (1, 64), "stride": (1, 16)}
        envelope = F.fold((window**2).expand(1, -1, x.shape[-1]), **fold)
        return (F.fold(frames * window, **fold) / (envelope + 1e-3))[:, 0]

    return Does(forward, head=same(4, 66))


def filters_from_a_network() -> nn.Module:
    """A strided convolution processes weights, not signals."""

    def forward(self: Does, x: Tensor) -> Tensor:
        weights = F.conv1d(self.table.weight[None], torch.ones(4, 4, 2), stride=2)
        return F.conv1d(x, weights[:, :1], padding=1)

    return Does(forward, table=nn.Embedding(4, 6))


def squeeze_by_product() -> nn.Module:
    """Synthesis of 4 bands by a matrix product, whose samples are then interleaved."""

    def forward(self: Does, x: Tensor) -> Tensor:
        bands = self.analysis(x).transpose(1, 2)
        return (bands @ torch.eye(4)).reshape(1, 1, -1)

    return Does(forward, analysis=nn.Conv1d(1, 4, 4, 4))


def squeeze_of_frames() -> nn.Module:
    """Groups of 8 samples become channels, and back."""

    def forward(self: Does, x: Tensor) -> Tensor:
        z = x.reshape(1, -1, 8).transpose(1, 2)
        return self.net(z).transpose(1, 2).reshape(1, 1, -1)

    return Does(forward, net=same(8))


def zeros_by_padding() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        return self.smooth(F.pad(self.encoder(x)[..., None], (0, 2)).flatten(-2))

    return Does(forward, encoder=down(3), smooth=same(4, 1))


def phases_by_indexing() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        z = self.encoder(x)
        y = torch.empty(1, 4, 2 * z.shape[-1])
        y[..., 0::2] = z
        y[..., 1::2] = self.odd(z)
        return self.smooth(y)

    return Does(forward, encoder=down(2), odd=same(), smooth=same(4, 1))


def nearest_by_index() -> nn.Module:
    def forward(self: Does, x: Tensor) -> Tensor:
        return self.smooth(x[..., torch.arange(3 * x.shape[-1]) // 3])

    return Does(forward, smooth=same(1))


def every_second_sample() -> nn.Module:
    return Does(lambda self, x: self.net(x[..., ::2]), net=nn.Sequential(same(1, 4), up(2)))


class Foreign(torch.autograd.Function):
    """Repeats samples without torch's functions."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return torch.from_numpy(np.repeat(x.numpy(), 4, axis=-1))


def unknown_function() -> nn.Module:
    inner = Does(lambda self, x: Foreign.apply(x))
    return nn.Sequential(up(2), inner, same(1))


def longer_inverse_transform() -> nn.Module:
    """A Fourier transform whose inverse is four times longer."""

    def forward(self: Does, x: Tensor) -> Tensor:
        z = self.encoder(x)
        return torch.fft.irfft(self.smooth(torch.fft.rfft(z).real), 4 * z.shape[-1])

    return Does(forward, encoder=down(4), smooth=same(4, 1))


def unseen_upsampling() -> nn.Module:
    """NumPy repeats samples in the middle of ``forward``."""

    def forward(self: Does, x: Tensor) -> Tensor:
        repeated = np.repeat(self.encoder(x).numpy(), 4, axis=-1)
        return self.smooth(torch.from_numpy(repeated))

    return Does(forward, encoder=down(4), smooth=same(4, 1))


def unused_branch() -> nn.Module:
    """A layer for a loss, whose output is only returned as a mean that scales nothing."""

    def forward(self: Does, x: Tensor) -> Tensor:
        self.loss = self.side(x).square().mean()
        return self.main(x)

    return Does(forward, side=up(5), main=up(4))


def global_level() -> nn.Module:
    """A mean over all channels and samples normalizes the signal."""

    def forward(self: Does, x: Tensor) -> Tensor:
        z = self.encoder(x)
        return self.decoder(z / z.reshape(1, -1).std(-1).view(1, 1, 1))

    return Does(forward, encoder=down(4), decoder=up(4))


def style() -> nn.Module:
    """A strided network sees a constant of the model, another half of the signal at a time."""

    def forward(self: Does, x: Tensor) -> Tensor:
        vector = self.speaker(self.example.weight[None]).mean(-1, keepdim=True)
        halves = [self.net(half) for half in x.chunk(2, -1)]
        return torch.cat(halves, -1) + vector

    return Does(forward, speaker=down(2), example=nn.Embedding(1, 64), net=u_net(4))
