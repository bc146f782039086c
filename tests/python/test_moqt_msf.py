"""The catalogs of draft-ietf-moq-msf-01, with the examples of the draft (tests/vectors/msf)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moqt import MoqtError, msf

EXAMPLES = Path(__file__).resolve().parents[1] / "vectors" / "msf"
TRACK = '"name":"v","packaging":"loc","isLive":true'


def example(name: str) -> bytes:
    return (EXAMPLES / f"{name}.json").read_bytes()


def catalog_of(data: bytes | str) -> msf.Catalog:
    catalog = msf.decode_catalog(data)
    assert isinstance(catalog, msf.Catalog)
    return catalog


def update_of(data: bytes | str) -> msf.DeltaUpdate:
    update = msf.decode_catalog(data)
    assert isinstance(update, msf.DeltaUpdate)
    return update


def video() -> msf.Track:
    return msf.Track("video", "cmaf", is_live=True, role="video", codec="avc1.42c01e", bitrate=1_500_000)


def test_every_example_of_the_draft_decodes() -> None:
    names = sorted(path.stem for path in EXAMPLES.glob("*.json"))
    assert len(names) == 17
    for name in names:
        msf.decode_catalog(example(name))


def test_fields_of_an_example() -> None:
    catalog = catalog_of(example("time_aligned_audio_video_tracks_with_single_quality"))
    assert (catalog.version, catalog.generated_at) == ("1", 1746104606044)
    picture, sound = catalog.tracks
    assert picture == msf.Track(
        "1080p-video", "loc", "conference.example.com/conference123/alice", True, target_latency=2000, role="video",
        render_group=1, codec="av01.0.08M.10.0.110.09", width=1920, height=1080, framerate=30, bitrate=1_500_000,
    )  # fmt: skip
    assert (sound.samplerate, sound.channel_config) == (48000, "2")


def test_dependencies_buffers_and_accessibility() -> None:
    layers = catalog_of(example("svc_video_tracks_with_2_spatial_and_2_temporal_qualities"))
    assert layers.tracks[3].depends == ["480p30", "1080p15"]
    assert layers.tracks[0].buffers == msf.Buffers(target=2000)
    captions = catalog_of(example("video_track_with_embedded_captions_and_scte_35_events"))
    assert captions.tracks[0].accessibility == [msf.Accessibility("urn:scte:dash:cc:cea-608:2015", "CC1=eng;CC3=spa")]
    assert captions.tracks[2].event_type == "urn:scte:scte35:2013:bin"


@pytest.mark.parametrize(
    "name",
    [
        "time_aligned_audio_video_tracks_with_custom_field_values",
        "media_timeline_template",
        "encrypted_audio_video_tracks",
        "terminating_a_live_broadcast",
        "video_track_with_embedded_captions_and_scte_35_events",
        "time_aligned_audio_video_tracks_with_authorization",
    ],
)
def test_nothing_is_lost_in_between(name: str) -> None:
    catalog = catalog_of(example(name))
    assert json.loads(catalog.encode()) == json.loads(example(name))
    assert msf.decode_catalog(catalog.encode()) == catalog


def test_bytes_of_a_small_catalog() -> None:
    track = video()
    catalog = msf.Catalog([track])
    catalog.set_initialization(track, b"\xfb\xff\0\1")
    assert catalog.encode() == (
        b'{"version":"draft-01","tracks":[{"name":"video","packaging":"cmaf","isLive":true,"role":"video",'
        b'"initRef":"init-1","codec":"avc1.42c01e","bitrate":1500000}],'
        b'"initDataList":[{"id":"init-1","type":"inline","data":"+/8AAQ=="}]}'
    )
    again = catalog_of(catalog.encode())
    assert again == catalog
    assert again.initialization_of(again.tracks[0]) == b"\xfb\xff\0\1"
    assert msf.Catalog([video()]).initialization_of(video()) is None


def test_two_tracks_share_one_initialization() -> None:
    one, two = video(), video()
    catalog = msf.Catalog([one, two])
    catalog.set_initialization(one, b"1")
    catalog.set_initialization(two, b"1")
    assert len(catalog.init_data_list) == 1
    catalog.set_initialization(two, b"2")
    assert two.init_ref == "init-2"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "the catalog is not JSON"),
        (b"\xff", "the catalog is not JSON"),
        ('{"version":"1","tracks":[],"x":NaN}', "the catalog is not JSON"),
        ("[" * 100_000, "the catalog is not JSON"),
        ("[]", "the catalog is not an object"),
        ("{}", "the catalog has no version"),
        ('{"version":1,"tracks":[]}', "version is not a string"),
        ('{"version":"draft-00","tracks":7}', "version 'draft-00'"),
        ('{"version":"1"}', "the catalog has no tracks"),
        ('{"version":"1","tracks":{}}', "tracks is not an array"),
        ('{"version":"1","tracks":[7]}', "tracks[0] is not an object"),
        ('{"version":"1","tracks":[{"packaging":"loc","isLive":true}]}', "tracks[0] has no name"),
        ('{"version":"1","tracks":[{"name":"v","isLive":true}]}', "tracks[0] has no packaging"),
        ('{"version":"1","tracks":[{"name":"v","packaging":"loc"}]}', "tracks[0] has no isLive"),
        ('{"version":"1","isComplete":false,"tracks":[]}', "isComplete is false"),
        (f'{{"version":"1","tracks":[{{{TRACK}}},{{{TRACK}}}]}}', "tracks[1] has the name 'v'"),
        ('{"version":"1","tracks":[],"initDataList":[{"id":"a","type":"b"}]}', "initDataList[0].data is not a string"),
        ('{"deltaUpdate":[]}', "a delta update has no operation"),
        ('{"deltaUpdate":{}}', "deltaUpdate is not an array"),
        ('{"version":"1","deltaUpdate":[]}', "a delta update must not have 'version'"),
        ('{"tracks":[],"deltaUpdate":[]}', "a delta update must not have 'tracks'"),
        ('{"deltaUpdate":[{"tracks":[]}]}', "deltaUpdate[0].op is not a string"),
        ('{"deltaUpdate":[{"op":"add"}]}', "deltaUpdate[0] has no tracks"),
        ('{"deltaUpdate":[{"op":"move","tracks":[]}]}', "deltaUpdate[0].op is 'move'"),
        ('{"deltaUpdate":[{"op":"clone","tracks":[{"name":"a"}]}]}', "deltaUpdate[0].tracks[0] has no parentName"),
        ('{"deltaUpdate":[{"op":"add","tracks":[{"name":"a","parentName":"b"}]}]}', "only a clone operation"),
        ('{"deltaUpdate":[{"op":"remove","tracks":[{"name":"a","codec":"x"}]}]}', "more than name and namespace"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(data: bytes | str, message: str) -> None:
    with pytest.raises(msf.CatalogError) as caught:
        msf.decode_catalog(data)
    assert message in str(caught.value)
    assert isinstance(caught.value, MoqtError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('"codec":7', "tracks[0].codec is not a string"),
        ('"width":"640"', "tracks[0].width is not a number"),
        ('"width":true', "tracks[0].width is not a number"),
        ('"width":640.5', "tracks[0].width is not an integer from 0 on"),
        ('"width":-1', "tracks[0].width is not an integer from 0 on"),
        ('"depends":[1]', "tracks[0].depends[0] is not a string"),
        ('"accessibility":[{}]', "tracks[0].accessibility[0].scheme is not a string"),
        ('"initRef":"x"', "tracks[0].initRef is 'x', which initDataList does not have"),
        ('"eventType":"x"', "tracks[0] has an eventType and is no event timeline"),
        ('"targetLatency":1,"buffers":{}', "tracks[0] has both targetLatency and buffers"),
        ('"trackDuration":1', "tracks[0] is live and has a trackDuration"),
        ('"parentName":"x"', "tracks[0] has a parent"),
    ],
)
def test_wrong_fields_of_a_track_are_named(fields: str, message: str) -> None:
    with pytest.raises(msf.CatalogError) as caught:
        msf.decode_catalog(f'{{"version":"1","tracks":[{{{TRACK},{fields}}}]}}')
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"is_live": None}, "has no isLive"),
        ({"codec": None}, "has no codec"),
        ({"bitrate": None}, "has no bitrate"),
        ({"role": "audio"}, "has no samplerate"),
        ({"role": "audio", "samplerate": 48000}, "has no channelConfig"),
        ({"encryption_scheme": "x"}, "is encrypted and has no cipherSuite"),
        ({"other": {"x": object()}}, "cannot be written as JSON"),
    ],
)
def test_nothing_against_the_rules_is_encoded(change: dict[str, object], message: str) -> None:
    track = video()
    for name, value in change.items():
        setattr(track, name, value)
    with pytest.raises(msf.CatalogError, match=message):
        msf.Catalog([track]).encode()


def test_tracks_rendered_together_wait_equally_long() -> None:
    one, two = video(), video()
    two.name, one.render_group, two.render_group, one.target_latency = "other", 1, 1, 1000
    with pytest.raises(msf.CatalogError, match="different latencies"):
        msf.Catalog([one, two]).encode()
    two.target_latency = 1000
    msf.Catalog([one, two]).encode()


@pytest.mark.parametrize("text", ["A", "AA", "AAA=A", "A===", "AA-_", "ä"])
def test_damaged_base64_is_refused(text: str) -> None:
    track = video()
    track.init_ref = "a"
    with pytest.raises(msf.CatalogError, match="not base64"):
        msf.Catalog([track], init_data_list=[msf.InitData("a", text)]).initialization_of(track)


def conference() -> msf.Catalog:
    return catalog_of(
        """{"version":"1","tracks":[
        {"name":"video-1080","namespace":"example.com/custom","packaging":"loc","isLive":true,"codec":"av01",
         "width":1920,"height":1080,"bitrate":5000000,"targetLatency":10,"com.example":[1]},
        {"name":"video","packaging":"loc","isLive":true}]}"""
    )


def test_a_delta_update_adds_and_clones() -> None:
    update = update_of(example("delta_update_adding_two_tracks"))
    assert json.loads(update.encode()) == json.loads(example("delta_update_adding_two_tracks"))
    catalog = conference()
    # The example leaves the packaging out, which every track must have.
    with pytest.raises(msf.CatalogError, match=r"tracks\[2\] has no packaging"):
        catalog.apply(update)
    assert catalog == conference()
    update.operations[0].tracks[0].packaging = "loc"
    catalog.apply(update)
    clone = catalog.tracks[3]
    assert clone == msf.Track(
        "video-720", "loc", "example.com/custom", True, codec="av01", width=1280, height=720, bitrate=600_000,
        target_latency=10, other={"com.example": [1]},
    )  # fmt: skip
    assert catalog.generated_at == 1746104606044


def test_a_delta_update_removes() -> None:
    catalog = msf.Catalog([msf.Track(name, "loc", is_live=True) for name in ("slides", "audio", "video")])
    update = update_of(example("delta_update_removing_tracks"))
    catalog.apply(update)
    assert [track.name for track in catalog.tracks] == ["audio"]
    with pytest.raises(msf.CatalogError, match="'video' is removed, but was not declared"):
        catalog.apply(update)


def test_operations_build_on_each_other() -> None:
    catalog = conference()
    catalog.apply(
        update_of(
            """{"isComplete":true,"deltaUpdate":[
            {"op":"clone","tracks":[{"parentName":"video","name":"copy","label":"a"}]},
            {"op":"clone","tracks":[{"parentName":"copy","name":"copy 2","buffers":{"target":5}}]},
            {"op":"remove","tracks":[{"name":"copy"}]}]}"""
        )
    )
    copied = catalog.find("copy 2")
    assert copied is not None
    assert copied.label == "a"
    assert catalog.find("copy") is None
    assert catalog.is_complete
    for name, message in (("absent", "'absent' is cloned, but was not declared"), ("video", "has the name 'video'")):
        clone = msf.Track("video", parent_name=name)
        with pytest.raises(msf.CatalogError, match=message):
            catalog.apply(msf.DeltaUpdate([msf.DeltaOperation("clone", [clone])]))


def test_every_public_name_is_documented() -> None:
    for name in msf.__all__:
        assert getattr(msf, name).__doc__, name
