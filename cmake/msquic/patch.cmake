# What this project changes in MsQuic's source, in a copy of it beside the original.

# In multi-receive mode MsQuic keeps a fin that comes without bytes to itself until every byte before it is completed, and with the
# connection it is forgotten: the reader would have everything and not know that it is everything. It is told when everything before it
# was handed over.
set(_MSQUIC_PATCHED_FILE src/core/stream_recv.c)
set(_MSQUIC_PATCH_FROM "        if (Stream->RecvBuffer.BaseOffset == Stream->RecvMaxLength) {
            //
            // All data delivered. Deliver the FIN.")
set(_MSQUIC_PATCH_TO "        if (Stream->RecvBuffer.BaseOffset +
                (Stream->Flags.ReceiveMultiple ? Stream->RecvBuffer.ReadPendingLength : 0) == Stream->RecvMaxLength) {
            //
            // All data indicated. Deliver the FIN.")

# OUT: the patched copy of SOURCE, made once for each state of this file.
function(msquic_patch SOURCE OUT)
  string(SHA256 _key "${_MSQUIC_PATCHED_FILE};${_MSQUIC_PATCH_FROM};${_MSQUIC_PATCH_TO}")
  string(SUBSTRING "${_key}" 0 12 _key)
  set(_copy "${SOURCE}-${_key}")
  set(${OUT} "${_copy}" PARENT_SCOPE)
  file(LOCK "${MSQUIC_CACHE_DIR}/crate.lock" GUARD FUNCTION TIMEOUT 1800)
  if(EXISTS "${_copy}.complete")
    return()
  endif()
  file(READ "${SOURCE}/${_MSQUIC_PATCHED_FILE}" _text)
  string(REPLACE "${_MSQUIC_PATCH_FROM}" "${_MSQUIC_PATCH_TO}" _changed "${_text}")
  if(_changed STREQUAL _text)
    message(FATAL_ERROR "${_MSQUIC_PATCHED_FILE} of this MsQuic is not the one that cmake/msquic/patch.cmake was written for")
  endif()
  file(REMOVE_RECURSE "${_copy}")
  file(COPY "${SOURCE}/" DESTINATION "${_copy}")
  file(WRITE "${_copy}/${_MSQUIC_PATCHED_FILE}" "${_changed}")
  file(TOUCH "${_copy}.complete")
endfunction()
