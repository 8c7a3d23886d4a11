using ILGPU;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Runtime;

/// <content>Matrices that have a row for each channel of their input, and what is summed of them before they leave the host.</content>
public sealed partial class IlgpuUpload
{
    /// <summary>A matrix that has a row for each channel of its input, as a down matrix has one for each neuron.</summary>
    /// <param name="m">What the binder gave.</param>
    /// <param name="outputs">Declared outputs.</param>
    /// <param name="channels">Declared channels.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public DeviceMatrix Channels(StoredChannels m, int outputs, int channels) => Down(m.Weights, m.Type, outputs, channels);

    /// <summary>What a centre of an input adds to the outputs of matrices that read it: before they are uploaded.</summary>
    /// <param name="centre">The centre; 0: nothing is summed.</param>
    /// <param name="matrices">The matrices.</param>
    /// <returns>A value for each output, matrix after matrix, each padded with zeros to a multiple of 32. Empty where the centre is 0.</returns>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public ArrayView<float> OfCentre(float centre, ReadOnlySpan<StoredChannels> matrices)
    {
        if (centre == 0)
        {
            return default;
        }

        var added = new List<float>();
        foreach (StoredChannels matrix in matrices)
        {
            float[] ofMatrix = new float[matrix.Weights.PaddedColumns];
            ChannelSums.OfCentre(WeightFormat.For(matrix.Type), in matrix.Weights, centre, ofMatrix);
            added.AddRange(ofMatrix);
        }

        return Vector([.. added]);
    }

    /// <summary>The Euclidean norm of what each channel has of weights in matrices that share it: before they are uploaded.</summary>
    /// <param name="matrices">The matrices.</param>
    /// <returns>A value for each channel.</returns>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public ArrayView<float> ColumnNorms(ReadOnlySpan<StoredChannels> matrices)
    {
        var all = new (WeightFormat, DownMatrix)[matrices.Length];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = (WeightFormat.For(matrices[i].Type), matrices[i].Weights);
        }

        float[] norms = new float[matrices[0].Weights.Neurons];
        ChannelSums.Norms(all, norms);
        return Vector(norms);
    }

    /// <summary>What stands for the norms of channels' weights where these do not count.</summary>
    /// <param name="channels">How many channels.</param>
    /// <returns>1 for each channel.</returns>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public ArrayView<float> Ones(int channels)
    {
        float[] ones = new float[channels];
        Array.Fill(ones, 1);
        return Vector(ones);
    }
}
