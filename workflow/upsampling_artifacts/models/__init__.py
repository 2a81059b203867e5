"""Networks that take their upsampling layers as an argument, and the builder of both.

A network takes ``make_upsampler``, ``n_sources``, ``audio_channels`` and options of its own. One
without upsampling layers takes no ``make_upsampler`` and has ``upsampler: null`` in config.

A network with a training recipe of its own declares it, and :mod:`training` follows:

- ``own_loss = True``: ``forward(mixture, stems)`` returns the training loss. Without the stems, it
  returns the estimates, like every other network.
- ``adapt_to(mixtures)`` is called once with the training songs, before the first step.
"""
