# GRISTMILL_SANITIZE applies to every target below the root: a sanitizer in the coordinator that is
# missing in the workers sees half of a job.
if(GRISTMILL_SANITIZE)
  add_compile_options(-fsanitize=${GRISTMILL_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${GRISTMILL_SANITIZE})
  # The check of vptr opens a pipe to look at memory, and some tests leave no descriptor for it.
  if(GRISTMILL_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()
