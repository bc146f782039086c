import msquic

# Registration 作成
registration = msquic.Registration("my_client", msquic.ExecutionProfile.LOW_LATENCY)

# Configuration 作成
configuration = msquic.Configuration(
    registration,
    ["h3"],
    idle_timeout_ms=30000,
    peer_bidi_stream_count=100,
)
configuration.load_credential_none(no_certificate_validation=True)

# Connection 作成
connection = msquic.Connection(registration)


def on_connected():
    print("接続完了")


def on_shutdown_complete(app_close_in_progress):
    print("接続終了")


connection.set_on_connected(on_connected)
connection.set_on_shutdown_complete(on_shutdown_complete)

# 接続開始
connection.start(configuration, "127.0.0.1", 4433)
