// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class IndexValuesTests
{
    [Test]
    public void AddAndRemove_AnySequence_AreAsInAList([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        var (values, list) = (IndexValues<int>.Empty, new List<int>());
        for (var step = 0; step < 300; step++)
        {
            var value = random.Next(40);
            if (random.Next(100) < (step < 150 ? 70 : 30))
            {
                values = values.Add(value);
                if (!list.Contains(value))
                {
                    list.Add(value);
                }
            }
            else
            {
                values = values.Remove(value);
                list.Remove(value);
            }

            Assert.That(values, Is.EqualTo(list));
            Assert.That((values.Length, values.IsEmpty, values.FirstOrDefault(-1)), Is.EqualTo((list.Count, list.Count == 0, list.FirstOrDefault(-1))));
        }
    }

    [TestCase(3)]
    [TestCase(50)]
    public void Add_ValueThatIsThere_ChangesNothing(int count)
    {
        var values = Enumerable.Range(0, count).Aggregate(IndexValues<int>.Empty, (v, n) => v.Add(n));

        Assert.That((values.Add(count - 1), values.Remove(count)), Is.EqualTo((values, values)));
    }

    [Test]
    public void Index_ManyValuesOfOneKey_KeepsTheirOrder()
    {
        var index = Enumerable.Range(0, 5000).Aggregate(MultiIndex<string, int>.Empty, (i, n) => i.Add("key", n));
        index = Enumerable.Range(0, 4990).Aggregate(index, (i, n) => i.Remove("key", n));

        Assert.That(index["key"], Is.EqualTo(Enumerable.Range(4990, 10)));
        Assert.That((index["key"][0], index["other"].IsEmpty), Is.EqualTo((4990, true)));
    }
}
