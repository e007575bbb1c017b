from tests.support.torch_threads import one_thread  # noqa: F401
