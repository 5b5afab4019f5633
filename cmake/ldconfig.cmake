# Run last by the installation: a program finds a shared library through the cache of the dynamic linker, so that is
# brought up to date where the linker looks into EXO_LIBDIR at all, and else it is said what a program needs. With
# DESTDIR the files are for another place, which does this itself.
find_program(LDCONFIG ldconfig PATHS /sbin /usr/sbin NO_CACHE)
if(NOT "$ENV{DESTDIR}" STREQUAL "" OR NOT LDCONFIG)
    return()
endif()

execute_process(COMMAND ${LDCONFIG} -v -N OUTPUT_VARIABLE folders ERROR_QUIET)
string(FIND "\n${folders}" "\n${EXO_LIBDIR}:" known)
if(known EQUAL -1)
    message(STATUS "The dynamic linker does not look into ${EXO_LIBDIR}: link with -Wl,-rpath,${EXO_LIBDIR}, and set "
        "PKG_CONFIG_PATH=${EXO_LIBDIR}/pkgconfig for pkg-config")
    return()
endif()
execute_process(COMMAND ${LDCONFIG} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
if(failed)
    message(STATUS "The dynamic linker must still be told of the library. As root: ldconfig")
endif()
