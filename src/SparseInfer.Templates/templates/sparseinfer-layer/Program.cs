using System.Diagnostics;
using SparseInfer;

// Random weights. Those of your network are float[] too, row-major, or WeightTensor.From(type, bytes) as a file has them.
FeedForwardKernel layer = Layers.Mlp;
FeedForwardShape shape = layer.Shape;
var random = new Random(1);
using Device device = Device.Best();
var weights = new FeedForwardWeights
{
#if (gated)
    Gate = Matrix(shape.Intermediate, shape.Hidden),
#endif
    Up = Matrix(shape.Intermediate, shape.Hidden),
    Down = Matrix(shape.Hidden, shape.Intermediate),
};
layer.Load(weights, device);

float[] x = Matrix(1, shape.Hidden);
float[] y = new float[shape.Hidden];
foreach (SparsityMode mode in (SparsityMode[])[SparsityMode.Dense, SparsityMode.Exact, SparsityMode.Predicted])
{
    layer.Mode = mode;
    const int Rounds = 200;
    layer.Forward(x, y);
    long start = Stopwatch.GetTimestamp();
    for (int i = 0; i < Rounds; i++)
    {
        layer.Forward(x, y);
    }

    Console.WriteLine($"{mode,-9}  {Stopwatch.GetElapsedTime(start).TotalMicroseconds / Rounds,8:0.0} us an input  y[0] = {y[0]}");
}

layer.Metering = true;
layer.Forward(x, y);
Console.WriteLine(layer.ReadMetrics());

float[] Matrix(int rows, int columns) => [.. Enumerable.Range(0, rows * columns).Select(_ => (random.NextSingle() - 0.5f) / 8)];
