"""Networks that take their upsampling layer as an argument.

A network without upsampling layers takes no ``make_upsampler`` and has ``upsampler: null`` in
config. A network with its own training recipe declares it, and :mod:`training` follows it:

- ``own_loss = True``: ``forward(mixture, stems)`` returns the training loss and, without the
  stems, the estimates, like every other network;
- ``adapt_to(mixtures)`` is called once with the training songs, before the first step.
"""
