# Two images from one file: `--target api` (small, no PyTorch) and `--target worker`.
FROM python:3.12-slim AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 10001 clinic && install -d -o clinic /data
WORKDIR /app
ENV GRADIENT_CLINIC_DATA_DIR=/data

FROM base AS api
COPY pyproject.toml README.md ./
COPY service service
RUN pip install .
USER clinic
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
CMD ["gradient-clinic", "api", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS worker
# The index decides whether this is PyTorch's CPU or CUDA build.
# libseccomp: what a job may ask of the kernel is bounded.
RUN apt-get update && apt-get install --yes --no-install-recommends libseccomp2 && rm -rf /var/lib/apt/lists/*
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md ./
RUN pip install --index-url ${TORCH_INDEX} torch==2.13.0
COPY service service
COPY workers workers
RUN pip install ".[worker]"
USER clinic
CMD ["gradient-clinic", "worker"]
