using SparseInfer.Files;

namespace SparseInfer.Runtime;

/// <content>What a program gives back once its device has a copy.</content>
public sealed partial class WeightBinder
{
    private readonly Dictionary<nint, TensorInfo> _inPlace = [];

    /// <summary>Whether nothing is read yet: the first of the two passes.</summary>
    internal bool IsChecking => _checking;

    /// <summary>Owns what the program has of the weights.</summary>
    internal Kernels.Cpu.NativeMemoryPool Memory => _memory;

    /// <summary>Frees the host's copy of a matrix, or gives back the pages of the file that it lies in. It must not be read any more.</summary>
    /// <param name="address">Its first byte.</param>
    internal void GiveBack(nint address)
    {
        if (!_memory.Free(address) && _inPlace.Remove(address, out TensorInfo? tensor))
        {
            tensor.Release();
        }
    }

    /// <summary>What <see cref="Finish"/> makes of data that contradicts itself.</summary>
    internal ModelFormatException Refuse(InvalidDataException wrong) => new(_file.Path, $"{wrong.Message}. Prepare the file again.");

    private void UsedInPlace(nint address, TensorInfo tensor) => _inPlace[address] = tensor;
}
