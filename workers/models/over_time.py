"""PyTorch's layers for (batch, channels, time), made to take sequences (batch, time, features)."""

from torch import Tensor, nn


class Conv1dOverTime(nn.Conv1d):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.transpose(1, 2)).transpose(1, 2)


class BatchNormOverTime(nn.BatchNorm1d):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.transpose(1, 2)).transpose(1, 2)


class GroupNormOverTime(nn.GroupNorm):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.transpose(1, 2)).transpose(1, 2)


class MaxPoolOverTime(nn.MaxPool1d):
    def forward(self, inputs: Tensor) -> Tensor:
        pooled: Tensor = super().forward(inputs.transpose(1, 2))
        return pooled.transpose(1, 2)


class AvgPoolOverTime(nn.AvgPool1d):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.transpose(1, 2)).transpose(1, 2)
