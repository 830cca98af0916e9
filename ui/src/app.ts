// Everything a page needs; each file registers itself.
import './dialog';
import './elements';
import './forms';
import './inbox';
import './keys';
import './live';
import './palette';
import './push';
