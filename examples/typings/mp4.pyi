"""What the examples use of mp4-py, which installs on Python 3.12 and later only: type checkers need no installation."""

import os

class Mp4MuxSample:
    def __init__(
        self, track_kind: str, sample_entry: object, keyframe: bool, timescale: int, duration: int, data: bytes
    ) -> None: ...

class Mp4FileMuxer:
    def __init__(self, destination: str | os.PathLike[str]) -> None: ...
    def append_sample(self, sample: Mp4MuxSample) -> None: ...
    def finalize(self) -> None: ...
    def close(self) -> None: ...

class Mp4SampleEntryAv01:
    def __init__(
        self, width: int, height: int, *, seq_profile: int, seq_level_idx_0: int, config_obus: bytes
    ) -> None: ...

class Mp4SampleEntryAvc1:
    def __init__(
        self,
        width: int,
        height: int,
        *,
        avc_profile_indication: int,
        avc_level_indication: int,
        profile_compatibility: int,
        sps_data: list[bytes],
        pps_data: list[bytes],
    ) -> None: ...

class Mp4SampleEntryVp08:
    def __init__(self, width: int, height: int) -> None: ...

class Mp4SampleEntryVp09:
    def __init__(self, width: int, height: int, *, profile: int, level: int) -> None: ...
