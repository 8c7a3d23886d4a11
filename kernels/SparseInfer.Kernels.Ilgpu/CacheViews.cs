using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>A layer's keys and values of several sequences, which lie apart: one argument of a kernel. What is not set is empty.</summary>
public struct CacheViews
{
    /// <summary>Sequences that there is room for.</summary>
    public const int Count = 16;

    private ArrayView<Words4> _view0;
    private ArrayView<Words4> _view1;
    private ArrayView<Words4> _view2;
    private ArrayView<Words4> _view3;
    private ArrayView<Words4> _view4;
    private ArrayView<Words4> _view5;
    private ArrayView<Words4> _view6;
    private ArrayView<Words4> _view7;
    private ArrayView<Words4> _view8;
    private ArrayView<Words4> _view9;
    private ArrayView<Words4> _view10;
    private ArrayView<Words4> _view11;
    private ArrayView<Words4> _view12;
    private ArrayView<Words4> _view13;
    private ArrayView<Words4> _view14;
    private ArrayView<Words4> _view15;

    /// <summary>A sequence's keys and values, [positions x (key heads, value heads) x padded head dimension].</summary>
    /// <param name="sequence">Which, below <see cref="Count"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public ArrayView<Words4> this[int sequence]
    {
        set
        {
            switch (sequence)
            {
                case 0:
                    _view0 = value;
                    break;
                case 1:
                    _view1 = value;
                    break;
                case 2:
                    _view2 = value;
                    break;
                case 3:
                    _view3 = value;
                    break;
                case 4:
                    _view4 = value;
                    break;
                case 5:
                    _view5 = value;
                    break;
                case 6:
                    _view6 = value;
                    break;
                case 7:
                    _view7 = value;
                    break;
                case 8:
                    _view8 = value;
                    break;
                case 9:
                    _view9 = value;
                    break;
                case 10:
                    _view10 = value;
                    break;
                case 11:
                    _view11 = value;
                    break;
                case 12:
                    _view12 = value;
                    break;
                case 13:
                    _view13 = value;
                    break;
                case 14:
                    _view14 = value;
                    break;
                case 15:
                    _view15 = value;
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(sequence), sequence, $"There is room for {Count} sequences.");
            }
        }
    }

    /// <summary>What was set, for kernels, which have no addresses of arguments: a choice between halves, four times.</summary>
    /// <param name="sequence">Which, below <see cref="Count"/>.</param>
    public readonly ArrayView<Words4> Of(int sequence)
    {
        ArrayView<Words4> ofEight0 = (sequence & 8) == 0 ? _view0 : _view8;
        ArrayView<Words4> ofEight1 = (sequence & 8) == 0 ? _view1 : _view9;
        ArrayView<Words4> ofEight2 = (sequence & 8) == 0 ? _view2 : _view10;
        ArrayView<Words4> ofEight3 = (sequence & 8) == 0 ? _view3 : _view11;
        ArrayView<Words4> ofEight4 = (sequence & 8) == 0 ? _view4 : _view12;
        ArrayView<Words4> ofEight5 = (sequence & 8) == 0 ? _view5 : _view13;
        ArrayView<Words4> ofEight6 = (sequence & 8) == 0 ? _view6 : _view14;
        ArrayView<Words4> ofEight7 = (sequence & 8) == 0 ? _view7 : _view15;
        ArrayView<Words4> ofFour0 = (sequence & 4) == 0 ? ofEight0 : ofEight4;
        ArrayView<Words4> ofFour1 = (sequence & 4) == 0 ? ofEight1 : ofEight5;
        ArrayView<Words4> ofFour2 = (sequence & 4) == 0 ? ofEight2 : ofEight6;
        ArrayView<Words4> ofFour3 = (sequence & 4) == 0 ? ofEight3 : ofEight7;
        ArrayView<Words4> ofTwo0 = (sequence & 2) == 0 ? ofFour0 : ofFour2;
        ArrayView<Words4> ofTwo1 = (sequence & 2) == 0 ? ofFour1 : ofFour3;
        return ((sequence & 1) == 0 ? ofTwo0 : ofTwo1).AsAligned(16); // else ILGPU loads each number alone
    }
}
