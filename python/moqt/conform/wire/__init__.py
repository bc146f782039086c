"""The bytes of MOQT by hand, from the drafts' text.

Nothing here comes from the library's codec, whose faults this would not find if it did.
"""
