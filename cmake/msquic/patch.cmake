# What this project changes in MsQuic's source, in a copy of it beside the original.

set(_MSQUIC_PATCH_FILES src/core/stream_recv.c src/core/stream_recv.c src/core/stream_recv.c src/core/stream.c)

# In multi-receive mode MsQuic keeps a fin that comes without bytes to itself until every byte before it is completed, and with the
# connection it is forgotten: the reader would have everything and not know that it is everything. It is told when everything before it
# was handed over.
set(_MSQUIC_PATCH_1_FROM "        if (Stream->RecvBuffer.BaseOffset == Stream->RecvMaxLength) {
            //
            // All data delivered. Deliver the FIN.")
set(_MSQUIC_PATCH_1_TO "        if (Stream->RecvBuffer.BaseOffset +
                (Stream->Flags.ReceiveMultiple ? Stream->RecvBuffer.ReadPendingLength : 0) == Stream->RecvMaxLength) {
            //
            // All data indicated. Deliver the FIN.")

# Enabling what is enabled does nothing. To make a stream in multi-receive mode call back it would have to be disabled for a moment, and
# what comes in that moment, acknowledged, would be lost if the connection ended in it, too.
set(_MSQUIC_PATCH_2_FROM "    if (Stream->Flags.ReceiveEnabled != NewRecvEnabled) {")
set(_MSQUIC_PATCH_2_TO "    if (Stream->Flags.ReceiveEnabled != NewRecvEnabled || (NewRecvEnabled && Stream->Flags.ReceiveMultiple)) {")

# What the peer has sent is handed over a little later than it is taken in. When the peer's CONNECTION_CLOSE comes in between, in the same
# batch of packets, it would be dropped: the last words of whoever closes right after them. They are handed over first.
set(_MSQUIC_PATCH_3_FROM "    if (Silent) {
        //
        // If we are silently closing")
set(_MSQUIC_PATCH_3_TO "    if (Silent) {
        if (Stream->Flags.ReceiveFlushQueued && Stream->Connection->State.ClosedRemotely && !Stream->Flags.HandleClosed) {
            QuicStreamRecvFlush(Stream);
        }
        //
        // If we are silently closing")

# How much of a stream went as early data counts the acknowledgements of early packets alone. On a slow machine the same bytes have gone
# out again after the handshake by then, and those are acknowledged first: early data that the server has taken would count as refused.
# TLS knows better. What was queued as early data counts as such when the server took early data.
set(_MSQUIC_PATCH_4_FROM "        *(uint64_t*)Buffer = Stream->Sent0Rtt;")
set(_MSQUIC_PATCH_4_TO "        *(uint64_t*)Buffer =
            Stream->Sent0Rtt == 0 && Stream->Connection->Crypto.TlsState.EarlyDataState == CXPLAT_TLS_EARLY_DATA_ACCEPTED
                ? Stream->Queued0Rtt : Stream->Sent0Rtt;")

# OUT: the patched copy of SOURCE, made once for each state of this file.
function(msquic_patch SOURCE OUT)
  set(_key "")
  set(_number 0)
  foreach(_file ${_MSQUIC_PATCH_FILES})
    math(EXPR _number "${_number} + 1")
    string(MAKE_C_IDENTIFIER "_text_${_file}" _text)
    if(NOT DEFINED ${_text})
      file(READ "${SOURCE}/${_file}" ${_text})
    endif()
    string(REPLACE "${_MSQUIC_PATCH_${_number}_FROM}" "${_MSQUIC_PATCH_${_number}_TO}" _changed "${${_text}}")
    if(_changed STREQUAL ${_text})
      message(FATAL_ERROR "${_file} of this MsQuic is not the one that cmake/msquic/patch.cmake was written for")
    endif()
    set(${_text} "${_changed}")
    string(APPEND _key ";${_file};${_MSQUIC_PATCH_${_number}_FROM};${_MSQUIC_PATCH_${_number}_TO}")
  endforeach()
  string(SHA256 _key "${_key}")
  string(SUBSTRING "${_key}" 0 12 _key)
  set(_copy "${SOURCE}-${_key}")
  set(${OUT} "${_copy}" PARENT_SCOPE)
  file(LOCK "${MSQUIC_CACHE_DIR}/crate.lock" GUARD FUNCTION TIMEOUT 1800)
  if(EXISTS "${_copy}.complete")
    return()
  endif()
  file(REMOVE_RECURSE "${_copy}")
  file(COPY "${SOURCE}/" DESTINATION "${_copy}")
  list(REMOVE_DUPLICATES _MSQUIC_PATCH_FILES)
  foreach(_file ${_MSQUIC_PATCH_FILES})
    string(MAKE_C_IDENTIFIER "_text_${_file}" _text)
    file(WRITE "${_copy}/${_file}" "${${_text}}")
  endforeach()
  file(TOUCH "${_copy}.complete")
endfunction()
