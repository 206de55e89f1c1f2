# bloodstudy in a container, for one computer or for each node of a Ray cluster.
#
#   docker build --tag=bloodstudy .                                 with CUDA
#   docker build --tag=bloodstudy --build-arg TORCH_BACKEND=cpu .   smaller, without CUDA
#
# docs/how-to/containers.md has the commands that run it.

FROM python:3.11-slim

# tini passes signals on and reaps the processes that Ray leaves. KubeRay's probes need wget.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini wget \
    && rm -rf /var/lib/apt/lists/*

# The build of PyTorch, e.g. cpu or cu130; if empty, the default of the package index, with CUDA.
ARG TORCH_BACKEND=
WORKDIR /opt/bloodstudy
COPY pyproject.toml constraints.txt ./
# The dependencies are a layer of their own, which is kept if only the code changes.
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip install --system --no-cache --constraint constraints.txt \
        ${TORCH_BACKEND:+--torch-backend="$TORCH_BACKEND"} --requirements pyproject.toml --extra cluster
COPY . .
# Any user works, also one without an entry in /etc/passwd. What is downloaded and written goes to
# /work, so mount a folder there. On OpenShift, every user belongs to group 0.
RUN uv pip install --system --no-cache --no-deps . \
    && install --directory --owner=1000 --group=0 --mode=775 /work
ENV HOME=/work
WORKDIR /work
USER 1000:0
ENTRYPOINT ["tini", "--", "bloodstudy"]
CMD ["--help"]
