# find_package (ZeroMQ): the targets libzmq and libzmq-static. Wherever the installed files are moved, this file goes with them.

get_filename_component (_zeromq_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

set (ZeroMQ_INCLUDE_DIR "${_zeromq_prefix}/include")
set (ZeroMQ_LIBRARY libzmq)
set (ZeroMQ_STATIC_LIBRARY libzmq-static)
set (ZeroMQ_FOUND TRUE)

if (NOT TARGET libzmq)
  add_library (libzmq SHARED IMPORTED)
  set_target_properties (libzmq PROPERTIES
    IMPORTED_LOCATION "${_zeromq_prefix}/lib/libzmq.so.5"
    IMPORTED_SONAME "libzmq.so.5"
    INTERFACE_INCLUDE_DIRECTORIES "${ZeroMQ_INCLUDE_DIR}")
endif ()

if (NOT TARGET libzmq-static)
  add_library (libzmq-static STATIC IMPORTED)
  set_target_properties (libzmq-static PROPERTIES
    IMPORTED_LOCATION "${_zeromq_prefix}/lib/libzmq.a"
    INTERFACE_COMPILE_DEFINITIONS "ZMQ_STATIC"
    INTERFACE_INCLUDE_DIRECTORIES "${ZeroMQ_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;pthread;m;dl;c")
endif ()

unset (_zeromq_prefix)
