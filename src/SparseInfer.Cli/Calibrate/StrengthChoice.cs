namespace SparseInfer.Cli.Calibrate;

/// <summary>Which strength each layer gets.</summary>
internal static class StrengthChoice
{
    /// <summary>The boldest point of a layer that keeps a target, or skips no more than one; the most cautious where none does.</summary>
    public static int Of(LayerCurve curve, CalibrationTarget target)
    {
        int chosen = 0;
        for (int level = 0; level < curve.Points.Count; level++)
        {
            chosen = Keeps(curve.Points[level], target) ? level : chosen;
        }

        return chosen;
    }

    /// <summary>Whether a point of a layer keeps a target that is a layer's.</summary>
    public static bool Keeps(CurvePoint point, CalibrationTarget target) => target.Kind switch
    {
        TargetKind.Precision => (point.Precision ?? 1) >= target.Value,
        TargetKind.Skipped => point.Skipped <= target.Value,
        _ => point.Contribution >= target.Value,
    };

    /// <summary>
    /// A way from the most cautious strengths of all layers to the boldest: towards the layer, and the point of it, that saves most bytes for what it loses of
    /// the contribution, then towards the next.
    /// </summary>
    /// <returns>After each step, the point of each layer; first of all, where it begins.</returns>
    public static IReadOnlyList<int[]> Path(IReadOnlyList<LayerCurve> curves)
    {
        const double NoLoss = 1e-9;
        var path = new List<int[]> { new int[curves.Count] };
        while (true)
        {
            int[] now = path[^1];
            (double Gain, int Layer, int Level) best = (double.NegativeInfinity, -1, -1);
            for (int layer = 0; layer < curves.Count; layer++)
            {
                IReadOnlyList<CurvePoint> points = curves[layer].Points;
                CurvePoint from = points[now[layer]];
                for (int level = now[layer] + 1; level < points.Count; level++)
                {
                    double saved = from.Bytes - points[level].Bytes;
                    double gain = saved / Math.Max(from.Contribution - points[level].Contribution, NoLoss);
                    best = saved > 0 && gain > best.Gain ? (gain, layer, level) : best;
                }
            }

            if (best.Layer < 0)
            {
                return path;
            }

            // Points between here and there gain less, but a target may lie between.
            for (int level = now[best.Layer] + 1; level <= best.Level; level++)
            {
                int[] next = [.. now];
                next[best.Layer] = level;
                path.Add(next);
            }
        }
    }
}
