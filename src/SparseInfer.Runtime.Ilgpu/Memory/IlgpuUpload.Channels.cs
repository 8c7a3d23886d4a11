using ILGPU;
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
}
