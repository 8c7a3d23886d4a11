using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <content>How the bytes of a matrix come to the device: by parts through page-locked memory, or mapped.</content>
public sealed partial class IlgpuUpload
{
    /// <summary>Copies rows whose bytes are what kernels read.</summary>
    private unsafe void CopyRows(WeightMatrix matrix, int rowWords, DeviceBuffer<Words4> words, int firstRow)
    {
        long rowBytes = (long)rowWords * Unsafe.SizeOf<Words4>();
        int part = RowsOfPart(rowBytes, matrix.Rows);
        for (int from = 0; from < matrix.Rows; from += part)
        {
            int rows = Math.Min(part, matrix.Rows - from);
            UploadRing.Staged<Words4> staged = _ring.Room<Words4>(rows * rowWords);
            RowCopy.Run((nint)Unsafe.AsPointer(ref matrix.Row(from)), matrix.Stride, staged.Address, rowBytes, rows);
            staged.Send(words, (long)(firstRow + from) * rowWords);
        }
    }

    private static int RowsOfPart(long rowBytes, int rows) => (int)Math.Clamp(UploadRing.PartBytes / rowBytes, 1, Math.Max(1, rows));

    private void CopyBlocks(
        WeightMatrix matrix, DeviceFormat format, int rowWords, DeviceBuffer<Words4> words, DeviceBuffer<ushort> scales, int firstRow)
    {
        int scalesOfRow = matrix.PaddedColumns / format.BlockColumns * format.ScaleHalves;
        int part = RowsOfPart(((long)rowWords * Unsafe.SizeOf<Words4>()) + (scalesOfRow * sizeof(ushort)), matrix.Rows);
        for (int from = 0; from < matrix.Rows; from += part)
        {
            int to = Math.Min(matrix.Rows, from + part);
            UploadRing.Staged<Words4> quants = _ring.Room<Words4>((to - from) * rowWords);
            UploadRing.Staged<ushort> rowScales = _ring.Room<ushort>((to - from) * scalesOfRow);
            BlockSplitter.Split(matrix, format, from, to, rowWords, quants.Address, rowScales.Address);
            quants.Send(words, (long)(firstRow + from) * rowWords);
            rowScales.Send(scales, (long)(firstRow + from) * scalesOfRow);
        }
    }

    /// <summary>Copies blocks of neurons of down, behind as many matrices of its size as its number says.</summary>
    private unsafe void CopyDownBlocks(
        DownMatrix m, DeviceFormat format, int from, int to, int rowWords, DeviceBuffer<Words4> words, DeviceBuffer<ushort> scales, int matrix)
    {
        int sharing = Math.Max(DownMatrix.BlockNeurons, format.BlockColumns);
        int scalesOfBlock = m.PaddedColumns * format.ScaleHalves;
        int first = from * sharing;
        int end = Math.Min(m.Neurons, to * sharing);
        UploadRing.Staged<ushort> blockScales = _ring.Room<ushort>((to - from) * scalesOfBlock);
        UploadRing.Staged<Words4> quants = _ring.Room<Words4>((end - first) * rowWords);
        nint scaleTarget = blockScales.Address;
        nint quantTarget = quants.Address;
        ParallelLoop.For(from, to, block =>
        {
            int firstOfBlock = block * sharing;
            format.SplitDownScales(
                (byte*)Unsafe.AsPointer(ref m.Scales(firstOfBlock)),
                m.PaddedColumns,
                new Span<ushort>((ushort*)scaleTarget + ((long)(block - from) * scalesOfBlock), scalesOfBlock));
            for (int neuron = firstOfBlock; neuron < Math.Min(end, firstOfBlock + sharing); neuron++)
            {
                format.SplitNeuron(
                    MemoryMarshal.CreateReadOnlySpan(ref m.Neuron(neuron), (int)m.NeuronBytes),
                    new Span<byte>((Words4*)quantTarget + ((neuron - first) * (long)rowWords), rowWords * sizeof(Words4)));
            }
        });
        int blocks = (m.Neurons + sharing - 1) / sharing;
        blockScales.Send(scales, (((long)matrix * blocks) + from) * scalesOfBlock);
        quants.Send(words, (((long)matrix * m.Neurons) + first) * rowWords);
    }

    /// <summary>Rows that the device reads where they lie, in memory that is the program's as long as they are; null: they have to be copied.</summary>
    private ArrayView<Words4>? Mapped(nint address, nint stride, WeightType type, int rows, int rowWords)
    {
        long words = (long)rows * rowWords;
        if (DeviceFormat.For(type).IsBlock
            || stride != rowWords * Unsafe.SizeOf<Words4>()
            || _device.TryMap(address, words) is not { } memory)
        {
            return null;
        }

        _memory.Own(new Mapping(_device, memory));
        return memory.AsArrayView<Words4>(0, words);
    }

    private sealed class Mapping(IlgpuDevice device, MappedMemory memory) : IDisposable
    {
        /// <summary>Kernels may still read it: unlike freeing a device's memory, this need not wait for them.</summary>
        public void Dispose() => device.Release(memory, static memory =>
        {
            memory.Accelerator.DefaultStream.Synchronize();
            memory.Dispose();
        });
    }
}
