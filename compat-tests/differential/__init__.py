"""The differential test: one random history, two servers, no difference.

`generate` makes a history from a seed, `play` plays it on one server and writes down all that the clients see, and what
two servers wrote must be equal. Nothing here says what is right: Apache 3.9.5 does.
"""
