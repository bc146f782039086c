"""Pictures, codecs and files for the examples, behind one small interface.

A source gives `Picture`s, an encoder turns them into `EncodedFrame`s, a `FragmentedWriter` writes those to
an MP4 file; sound goes the same way. Nothing here knows MOQT, except `loc`, which maps a frame to an
object's extensions, and `catalog`, which names the tracks.
"""
