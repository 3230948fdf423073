"""numba.cfunc as a shared object that runs without Python, or else as its source."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import weakref

from ._errors import InvalidError
from ._loop_calls import LibraryFunction, NumbaFunction

_WANTED = "int32(CPointer(voidptr), CPointer(int64), CPointer(int64), voidptr)"
# Of this process: of other functions, large arrays, what lives on the heap.
_ADDRESS = re.compile(r"inttoptr \(i64 -?\d+|numba\.dynamic\.globals")
# All it may call: what raises, allocates or enters Python is in neither.
_LIBRARIES = ("-l:libm.so.6", "-l:libc.so.6")
_LINK_SECONDS = 60
_DIGEST_BYTES = 32

_known = weakref.WeakKeyDictionary()


def identity_of(cfunc):
    """How workers find a cfunc. Compiled and linked once; kept in $XDG_CACHE_HOME."""
    _require_signature(cfunc)
    library = _known.get(cfunc)
    # Whoever wants to may empty the cache.
    if cfunc not in _known or (library is not None and not os.path.exists(library)):
        library = _known[cfunc] = _library_of(cfunc)
    if library is not None:
        return LibraryFunction(library, _symbol_of(cfunc), cfunc.__qualname__)
    compiler = cfunc._compiler
    return NumbaFunction(
        cfunc.__wrapped__, cfunc._sig, dict(compiler.targetoptions), dict(compiler.locals)
    )


def _require_signature(cfunc):
    from numba import types

    pointer = types.CPointer(types.int64)
    wanted = (types.CPointer(types.voidptr), pointer, pointer, types.voidptr)
    signature = cfunc._sig
    if signature.return_type != types.int32 or tuple(signature.args) != wanted:
        arguments = ", ".join(str(argument) for argument in signature.args)
        raise InvalidError(
            f"the signature of {cfunc.__qualname__} is {signature.return_type}({arguments})",
            "",
            f"It must be {_WANTED}, of numba.types.",
        )


def _symbol_of(cfunc):
    # Behind a prefix: it must be no name that the function itself calls.
    return "gm_" + re.sub(r"[^A-Za-z0-9_]", "_", cfunc.__name__)


def _library_of(cfunc):
    """The path of a shared object with the function; None if it cannot be one."""
    import llvmlite
    import llvmlite.binding as llvm

    code = cfunc.inspect_llvm()
    symbol = _symbol_of(cfunc)
    folder = _cache_folder()
    linker = shutil.which("ld")
    if folder is None or linker is None or _ADDRESS.search(code):
        return None
    cpu = (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    key = "\0".join((llvmlite.__version__, *cpu, *_LIBRARIES, symbol, cfunc.native_name, code))
    path = os.path.join(folder, hashlib.sha256(key.encode()).hexdigest()[:40] + ".so")
    if _is_whole(path):
        return path
    made = _object_of(code, cfunc.native_name, symbol, cpu)
    return path if _link(linker, made, path) else None


def _object_of(code, name, symbol, cpu):
    """A relocatable object with the function alone."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(code)
    # Nobody else calls the other functions. So they are inlined, and if nothing in them raises, what
    # numba does with exceptions goes.
    for function in module.functions:
        if not function.is_declaration and function.name != name:
            function.linkage = "internal"
    module.get_function(name).name = symbol
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(cpu=cpu[0], features=cpu[1], opt=3, reloc="pic")
    if hasattr(llvm, "create_pass_builder"):
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        passes = llvm.create_pass_builder(machine, options)
        passes.getModulePassManager().run(module, passes)
    return machine.emit_object(module)


def _cache_folder():
    """The folder of what was linked, which only this user can write; None without one."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.expanduser("~/.cache")
    folder = os.path.join(home, "gristmill", "loops")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.stat(folder)
    except OSError:
        return None
    is_private = status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return folder if is_private and not os.statvfs(folder).f_flag & os.ST_NOEXEC else None


def _is_whole(path):
    """Whether there is a file that ends with the digest of what is before: no loader reads that."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return False
    return hashlib.sha256(data[:-_DIGEST_BYTES]).digest() == data[-_DIGEST_BYTES:]


def _link(linker, code, path):
    """Makes a shared object that needs nothing but the C library; whether that worked.

    Others may be doing the same: it appears whole.
    """
    try:
        with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
            made = os.path.join(folder, "loop.so")
            with open(os.path.join(folder, "loop.o"), "wb") as file:
                file.write(code)
            words = [linker, "-shared", "-z", "defs", "-z", "noexecstack", "-o", made, file.name]
            done = subprocess.run(
                [*words, *_LIBRARIES],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LINK_SECONDS,
            )
            if done.returncode != 0:
                return False
            with open(made, "r+b") as file:
                file.write(hashlib.sha256(file.read()).digest())
                file.flush()
                os.fsync(file.fileno())
            _put(made, path)
            return True
    except (OSError, subprocess.TimeoutExpired):
        return False


def _put(made, path):
    """Gives a file its name, unless there is a whole one: others may have loaded that."""
    try:
        os.link(made, path)
    except FileExistsError:
        if not _is_whole(path):
            os.replace(made, path)
    except OSError:  # a file system without links
        os.rename(made, path)
