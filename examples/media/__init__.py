"""Pictures, codecs and files for the examples, behind one small interface.

A source gives `Picture`s, an encoder turns them into `EncodedFrame`s, a muxer writes those to an
MP4 file. Nothing here knows MOQT, except `loc`, which maps a frame to an object's extensions.
"""
