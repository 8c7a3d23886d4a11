using Consumer;
using SparseInfer;

// Consumer MODEL TOKENS DEVICE...: on each device the difference of the layer alone, and a line of greedy text.
foreach (string name in args[2..])
{
    using Device device = Device.Open(name);
    double difference = Layers.Difference(device);
    Console.WriteLine(difference < 1e-5 ? $"{device.Name}: layer as declared" : $"{device.Name}: layer differs by {difference}");

    using LanguageModel model = TinyStories.Load(args[0], device);
    Console.Write("Once upon a time");
    await foreach (string piece in model.GenerateAsync("Once upon a time", new() { MaxTokens = int.Parse(args[1]), Temperature = 0 }))
    {
        Console.Write(piece);
    }

    Console.WriteLine();
}
