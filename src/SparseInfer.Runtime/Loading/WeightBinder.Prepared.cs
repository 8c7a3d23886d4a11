using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Runtime;

/// <content>What a prepared file has ready: <see cref="PreparedTensors"/>.</content>
public sealed partial class WeightBinder
{
    /// <summary>The neuron-major form of a down matrix, where the file has it.</summary>
    private TensorInfo? FindPrepared(TensorName name) =>
        _file.Format == ModelFileFormat.Gguf
        && PreparedTensors.TryGetDownName(name.Gguf, out string? down)
        && _file.TryGetTensor(down, out TensorInfo? tensor)
            ? tensor
            : null;

    private DownMatrix PreparedDown(
        TensorName name, TensorInfo tensor, int hidden, int intermediate, WeightType type, string hiddenText, string intermediateText)
    {
        _used.Add(tensor.Name);
        if (_file.TryGetTensor(name.Gguf, out _) && !_options.AllowUnusedTensors)
        {
            _used.Add(name.Gguf);
            Problem($"tensor {FileText.Quote(name.Gguf)} is there a second time, transposed, as {FileText.Quote(tensor.Name)}: leave one out, "
                + "or load with LoadOptions.AllowUnusedTensors to use the transposed");
        }

        WeightType? blocks = PreparedTensors.BlockTypeOf(tensor);
        if ((blocks ?? tensor.Weight) is not { } stored || Target(stored, [type]) is not { } target)
        {
            RefuseType(tensor, blocks ?? tensor.Weight, [type]);
            return default;
        }

        if (blocks is null && stored is WeightType.Q8_0 or WeightType.Q4_0)
        {
            Problem($"tensor {FileText.Quote(tensor.Name)} is {stored} in blocks along the hidden width, "
                + $"which rounds otherwise than the model it was made from: prepare the file again from one with {FileText.Quote(name.Gguf)}");
            return default;
        }

        long[] shape = PreparedTensors.DownShape(stored, intermediate, hidden);
        if (!tensor.Shape.SequenceEqual(shape))
        {
            Problem($"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, "
                + $"but {FileText.Shape(shape)} ({intermediateText} x {hiddenText}, {stored}) is declared");
            return default;
        }

        if (target != stored && target is WeightType.Q8_0 or WeightType.Q4_0)
        {
            Problem($"tensor {FileText.Quote(tensor.Name)} is {stored} and transposed already, which cannot be converted to {target}: "
                + $"load or prepare the file that has {FileText.Quote(name.Gguf)}");
            return default;
        }

        if (blocks is not null && !HasLayout(tensor))
        {
            return default;
        }

        Count(tensor);
        return _checking ? default : PlaceDown(tensor, stored, target, hidden, intermediate);
    }

    private DownMatrix PlaceDown(TensorInfo tensor, WeightType stored, WeightType target, int hidden, int intermediate)
    {
        WeightFormat format = WeightFormat.For(stored);
        if (format.FirstNonFiniteDown(tensor.Address, intermediate, hidden) is { } place)
        {
            throw FiniteCheck.NotFinite(tensor, place);
        }

        nint address = tensor.Address;
        NativeBuffer? converted = null;
        if (target != stored)
        {
            converted = format.ConvertDownTo(WeightFormat.For(target), address, intermediate, hidden);
            NoteConversion(tensor, stored, target, converted, intermediate, hidden);
            address = converted.Address;
        }

        DownMatrix down = WeightFormat.For(target).PlaceDown(address, intermediate, hidden, out NativeBuffer? owner);
        if (owner is not null)
        {
            converted?.Dispose();
        }

        if ((owner ?? converted) is { } copy)
        {
            _memory.Own(copy);
            tensor.Release();
        }
        else
        {
            UsedInPlace(address, tensor);
        }

        Report(tensor);
        return down;
    }

    /// <summary>A matrix's signs, where the file has them. Whether the model's policy wants them shows later.</summary>
    private TensorInfo? FindSigns(TensorName name, int rows, int columns)
    {
        if (_file.Format != ModelFileFormat.Gguf || !_file.TryGetTensor(PreparedTensors.SignsName(name.Gguf), out TensorInfo? tensor))
        {
            return null;
        }

        _used.Add(tensor.Name);
        long[] shape = PreparedTensors.SignsShape(rows, columns);
        if (tensor.Type != PreparedTensors.SignsType || !tensor.Shape.SequenceEqual(shape))
        {
            Problem($"tensor {FileText.Quote(tensor.Name)} is {tensor.Type} {FileText.Shape(tensor.Shape)}, "
                + $"but the signs of {FileText.Quote(name.Gguf)} are {PreparedTensors.SignsType} {FileText.Shape(shape)}: prepare the file again");
            return null;
        }

        if (!HasLayout(tensor))
        {
            return null;
        }

        Count(tensor);
        return tensor;
    }

    private void OfferSigns(TensorInfo? signs, TensorInfo tensor, StoredMatrix matrix)
    {
        if (signs is null)
        {
            return;
        }

        // Widening keeps every sign; rounding to a smaller type need not.
        if (matrix.Type == tensor.Weight || matrix.Type == WeightType.F32)
        {
            var plane = SignPlane.FromMemory(signs.Address, matrix.Weights.Rows, matrix.Weights.Columns);
            _memory.Offer(in matrix.Weights, plane, $"tensor {FileText.Quote(signs.Name)}");
            UsedInPlace(signs.Address, signs);
        }

        Report(signs);
    }

    private bool HasLayout(TensorInfo tensor)
    {
        if (_file.Metadata.TryGetString(PreparedTensors.LayoutKey, out string? layout) && layout == PreparedTensors.Layout)
        {
            return true;
        }

        string found = layout is null ? "does not name" : $"says {FileText.Quote(layout)} for";
        Problem($"'{PreparedTensors.LayoutKey}' {found} the layout of tensor {FileText.Quote(tensor.Name)}; "
            + $"'{PreparedTensors.Layout}' is read: prepare the file again");
        return false;
    }
}
